"""Other ways from one model's states to a message, to be compared: one architecture a file."""

from latentwire.models.bridges.base import Bridge, Encoded, encode
from latentwire.models.bridges.diffusion import DiffusionBridge, DiffusionBridgeConfig
from latentwire.models.bridges.finite_scalar_quantized import (
    FiniteScalarQuantizedBridge,
    FiniteScalarQuantizedBridgeConfig,
)
from latentwire.models.bridges.key_value_projector import (
    KeyValueProjector,
    KeyValueProjectorConfig,
)
from latentwire.models.bridges.linear_probe import LinearProbe, LinearProbeConfig
from latentwire.models.bridges.mlp import MlpBridge, MlpBridgeConfig
from latentwire.models.bridges.residual_quantized import (
    ResidualQuantizedBridge,
    ResidualQuantizedBridgeConfig,
)
from latentwire.models.bridges.transformer import TransformerBridge, TransformerBridgeConfig
from latentwire.models.bridges.vector_quantized import (
    VectorQuantizedBridge,
    VectorQuantizedBridgeConfig,
)

__all__ = [
    "Bridge",
    "DiffusionBridge",
    "DiffusionBridgeConfig",
    "Encoded",
    "FiniteScalarQuantizedBridge",
    "FiniteScalarQuantizedBridgeConfig",
    "KeyValueProjector",
    "KeyValueProjectorConfig",
    "LinearProbe",
    "LinearProbeConfig",
    "MlpBridge",
    "MlpBridgeConfig",
    "ResidualQuantizedBridge",
    "ResidualQuantizedBridgeConfig",
    "TransformerBridge",
    "TransformerBridgeConfig",
    "VectorQuantizedBridge",
    "VectorQuantizedBridgeConfig",
    "encode",
]
