//! The smol adapter.
