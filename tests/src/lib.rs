//! Helpers that every test target shares.
