"""Segments of commands: who is known to a model, and who is learned from the file."""

from __future__ import annotations

from models.behaviour.sequences import Usage
from training.behaviour.loaders import Typed
from training.behaviour.segments import TRAINING_SEGMENTS, fit_sequences, knowing_all, segment_table


def typed(**commands: str) -> dict[str, list[Typed]]:
    """Return two segments more than those of training for each user, all of the same commands but the last, of ``top``."""
    last = TRAINING_SEGMENTS + 1
    return {
        user: [Typed(user, n, tuple((own if n < last else "top").split())) for n in range(last + 1)]
        for user, own in commands.items()
    }


def test_a_model_of_the_same_file_scores_as_the_file_itself() -> None:
    file = typed(ann="ls cat", bob="who mail")
    table = segment_table(None, file)
    assert segment_table(fit_sequences(file), file) == table
    assert table["segment"].to_pylist() == [50, 51, 50, 51]
    scores = table["anomaly_score"].to_pylist()
    assert scores[1] > scores[0]


def test_users_that_the_model_does_not_know_learn_from_their_own_first_segments() -> None:
    known, file = fit_sequences(typed(ann="ls cat", bob="who mail")), typed(bob="vi make", cem="vi make")
    whole = knowing_all(known, file)
    assert list(whole.accounts) == ["ann", "bob", "cem"]
    assert whole.accounts["bob"] == known.accounts["bob"]
    assert whole.accounts["cem"] == Usage.of([("vi", "make")] * TRAINING_SEGMENTS)
    scores = {(row["user"], row["segment"]): row["anomaly_score"] for row in segment_table(known, file).to_pylist()}
    assert scores["bob", 50] > scores["cem", 50]
