"""``python -m models.behaviour.warm``: compile what judges days once, so that no start has to wait for it (numba keeps it on disk)."""

from __future__ import annotations

import numpy as np

from models.behaviour.day import Day
from models.behaviour.forest import Forest
from models.behaviour.profiles import MAX_VALUES_OF_ACCOUNT, Profiles
from models.behaviour.rarity import Rarity


def main() -> None:
    """Use every compiled function on a made-up account that has more values than it may."""
    profiles, many = Profiles(("field",)), {str(at): 1.0 for at in range(MAX_VALUES_OF_ACCOUNT)}
    for values in (many, {"one more": 1.0}):
        day = Day("", "", False, 0, "", 1, {"field": values})
        profiles.learn(day)
    profiles.log_shares(day, "", np.zeros(0, np.int64))
    Rarity.fit(np.ones((2, 1)), ("field",)).surprises(np.ones((2, 1)))
    leaf, none = np.zeros(1, np.int32), np.zeros(1)
    forest = Forest(
        names=("field",), fill=none, roots=leaf, feature=leaf - 1, threshold=none, left=leaf, right=leaf, length=none,
        usual_length=1.0, depth=0,
    )  # fmt: skip
    forest.anomaly_score(np.ones((2, 1)))


if __name__ == "__main__":
    main()
