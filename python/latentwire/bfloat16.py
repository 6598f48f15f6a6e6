"""Numbers in bfloat16, which models compute in and NumPy has no type for: their bits.

Memory is shared with torch and with ``ml_dtypes``, neither of which is imported here before
somebody who has it asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentwire.errors import InvalidMessageError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, eq=False)
class BFloat16:
    """Latents in bfloat16: a packet is written from them, or holds them, as they are.

    Attributes:
        bits: uint16 array of rank 1 to 4: the upper halves of the float32 of the same values.
            Copied only if it is not aligned and in C order.

    Raises:
        InvalidMessageError: If they are not uint16.
    """

    bits: NDArray[np.uint16]

    def __post_init__(self) -> None:
        given = np.asarray(self.bits)
        if given.dtype != np.uint16:
            raise InvalidMessageError(
                f"these are no bits of bfloat16: expected uint16, found {given.dtype}",
                id="message.numbers",
                hint="BFloat16.of takes tensors of torch and arrays of ml_dtypes",
            )
        object.__setattr__(self, "bits", np.require(given, requirements=["C", "A"]))

    @classmethod
    def of(cls, latents: Any) -> BFloat16 | None:
        """A bfloat16 tensor of torch, or an array of such a type, in C order in main memory.

        It is copied only if it is not that. None: it is of another type.
        """
        if isinstance(latents, BFloat16):
            return latents
        kind = str(getattr(latents, "dtype", ""))
        if kind == "torch.bfloat16":
            import torch

            tensor = latents.detach().cpu().contiguous()
            return cls(tensor.view(torch.uint16).numpy())
        if kind == "bfloat16":  # of ml_dtypes, which also makes it of other libraries' arrays
            return cls(np.ascontiguousarray(latents).view(np.uint16))
        return None

    def torch(self) -> torch.Tensor:
        """A bfloat16 tensor of the same memory, which must be writable, as decoded numbers are."""
        import torch

        return torch.from_numpy(self.bits).view(torch.bfloat16)

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[np.float32]:
        """The same values as a new float32 array."""
        if copy is False:
            raise ValueError("bfloat16 becomes float32 in a copy")
        wide = (self.bits.astype(np.uint32) << 16).view(np.float32)
        return wide if dtype is None else wide.astype(dtype)

    def __dlpack__(self, **how: Any) -> Any:
        """The capsule that torch makes of the same memory."""
        return self.torch().__dlpack__(**how)

    def __dlpack_device__(self) -> tuple[int, int]:
        """Main memory."""
        device: tuple[int, int] = self.torch().__dlpack_device__()
        return device
