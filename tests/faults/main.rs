//! What no fault of a disk or a machine may break: power cuts at any place, every disk operation failing once, and the
//! figures of what liars cost. Each prints its figures on its last line; the tests take a part of what the recipes do.

mod cuts;
mod liars;
mod points;
