#!/usr/bin/env python3
"""How events become words, tried without any client: `python3 tests/differential/test_cases.py`."""

import sys
import types
import unittest

sys.dont_write_bytecode = True

import cases  # noqa: E402

ROW = {"id": "corrupts", "area": "Pieces", "scene": "serves", "expected": "banned", "reaction": "Bans.", "row": "PP1", "text": "Lies."}


def events(*lines):
    """`0.5 c1 in request p0+0:16384`: time, stream, way, text."""
    split = (line.split(" ", 3) for line in lines)
    return [{"at": float(at), "other": stream, "way": way, "text": text} for at, stream, way, text in split]


def judged(*lines, crashed=False, complete=False, seeds=False):
    meeting = types.SimpleNamespace(client=types.SimpleNamespace(crashed=lambda: crashed), is_complete=lambda _: complete)
    return cases.judge_peer(ROW, meeting, None, types.SimpleNamespace(events=events(*lines)), seeds, 16)


BEGIN = ["0.0 c1 out dials 127.0.0.1:1", "0.0 c1 both connected", "1.0 - within corrupts"]
ASKED = ["1.0 c1 in request p0+0:16384", "1.0 c1 out piece p0+0:16384"]


class Words(unittest.TestCase):
    def test_who_ends_it(self):
        theirs, ours = "3.5 c1 in closed by the other: reset", "3.0 c1 out closes"
        self.assertEqual(cases.shown(judged(*BEGIN, theirs)), "closed 2.5 s")
        self.assertEqual(cases.shown(judged(*BEGIN, ours)), "went on")
        self.assertEqual(judged(*BEGIN, ours, theirs)["word"], "went on")
        self.assertEqual(cases.shown(judged(*BEGIN)), "ignored (16 s)")
        # the second of two connections is not the peer
        self.assertEqual(judged(*BEGIN, "2 c2 out dials 127.0.0.1:1", "3 c2 in closed by the other: end")["word"], "ignored")

    def test_asking_again(self):
        again = ["2.0 c1 in request p0+0:16384"]
        self.assertEqual(judged(*BEGIN, *again, *ASKED)["word"], "ignored")
        self.assertEqual(cases.shown(judged(*BEGIN, *ASKED, *again)), "re-requested 1×")
        self.assertEqual(judged(*BEGIN, *ASKED, "2.0 c1 in request p0+16384:16384")["word"], "ignored")

    def test_ends(self):
        closed = [*BEGIN, "3.5 c1 in closed by the other: end"]
        self.assertEqual(judged(*closed, complete=True)["word"], "completed")
        self.assertEqual(judged(*closed, crashed=True, complete=True)["word"], "crashed")
        blocks = [f"2 c1 in piece p{n // 4}+{n % 4 * 16384}:16384" for n in range(64)]
        self.assertEqual(judged(*BEGIN, *blocks, seeds=True)["word"], "served")
        self.assertEqual(judged(*BEGIN, *blocks[:63], seeds=True)["word"], "ignored")

    def test_stalled_and_rejects_stand_behind(self):
        self.assertEqual(cases.shown({"word": "ignored", "looked_s": 16, "rejects": 3, "stalled": True}), "ignored (16 s), 3 rejects, stalled")

    def test_what_the_catalogue_demands(self):
        self.assertIsNone(cases.differs(ROW, {"word": "banned", "after_s": 0}))
        self.assertIn("Bans.", cases.differs(ROW, {"word": "closed", "after_s": 0}))
        kept = {**ROW, "expected": "kept"}
        self.assertIsNone(cases.differs(kept, {"word": "completed"}))
        self.assertIsNotNone(cases.differs(kept, {"word": "closed", "after_s": 0}))
        self.assertIsNotNone(cases.differs(kept, {"word": "completed", "stalled": True}))
        closed = {**ROW, "expected": "closed"}
        self.assertIsNotNone(cases.differs(closed, {"word": "completed", "closes": 0}))
        self.assertIsNone(cases.differs(closed, {"word": "completed", "closes": 1}))
        self.assertIsNotNone(cases.differs({**ROW, "expected": "completes"}, {"word": "crashed"}))


if __name__ == "__main__":
    unittest.main()
