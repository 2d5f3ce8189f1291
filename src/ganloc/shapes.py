"""Array types with their shapes: `Float[Tensor, "batch channel height width"]`.

The types are those of jaxtyping, and the test suite checks every call against them. jaxtyping is
not needed for training: without it, the annotations stand for the plain array types.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, UInt8
else:
    try:
        from jaxtyping import Bool, Float, Int, UInt8
    except ImportError:

        class _Unchecked:
            def __class_getitem__(cls, item: tuple[Any, str]) -> Any:
                return item[0]

        Bool = Float = Int = UInt8 = _Unchecked

__all__ = ["Bool", "Float", "Int", "UInt8"]
