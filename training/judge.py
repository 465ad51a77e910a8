"""The judge of stage 3: a head that tells rendered from played chunks by the critic's tokens."""

from torch import Tensor, nn


class Judge(nn.Module):
    """Says of every token of the critic whether it comes from rendered pictures (above 0)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, dim // 2), nn.SiLU(), nn.Linear(dim // 2, 1)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map tokens [..., D] to logits [...]."""
        logits: Tensor = self.layers(features).squeeze(-1).float()
        return logits
