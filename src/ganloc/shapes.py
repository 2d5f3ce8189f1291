"""Array types with their shapes: `Float[Tensor, "batch channel height width"]`.

They are jaxtyping's where it is installed, and the test suite then checks every call against them.
Training needs nothing beyond torch, numpy, pillow, scipy and safetensors, so without jaxtyping the
same spelling means the bare array type.
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
