//! The storage of the adapter: what each job does to real files, also when something is wrong with them.

mod faults;
mod gone;
mod jobs;
mod memory;
mod rig;
