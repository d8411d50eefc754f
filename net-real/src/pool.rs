//! A few threads that run jobs in the order in which they were given.
//!
//! Own threads, because the global pool of `blocking` grows to 500 of them, is shared with everything else and keeps
//! no order.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

type Job = Box<dyn FnOnce() + Send>;

/// Threads with one queue. Dropping it lets them finish what was queued and waits for them.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Pool {
    /// Starts `threads` threads, at least one.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn new(name: &str, threads: usize) -> io::Result<Self> {
        let mut pool = Self {
            shared: Arc::new(Shared {
                queue: Mutex::default(),
                wake: Condvar::new(),
            }),
            threads: Vec::new(),
        };
        for n in 0..threads.max(1) {
            let shared = Arc::clone(&pool.shared);
            let thread = std::thread::Builder::new()
                .name(format!("{name}-{n}"))
                .spawn(move || shared.work())?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Queues a job. Whoever calls bounds how many wait.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.shared.lock().jobs.push_back(Box::new(job));
        self.shared.wake.notify_one();
    }

    /// Forgets what is queued and waits for nobody: for jobs that may hang and that nobody will miss.
    pub(crate) fn abandon(mut self) {
        self.shared.lock().jobs.clear();
        self.threads.clear();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// The queue is whole at every instant, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            // A job that panics would leave its asker waiting for ever. The panic's message is out already.
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                std::process::abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn dropping_finishes_what_was_queued() -> io::Result<()> {
        let done = Arc::new(AtomicUsize::new(0));
        let pool = Pool::new("test", 3)?;
        for _ in 0..100 {
            let done = Arc::clone(&done);
            pool.run(move || {
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        drop(pool);
        assert_eq!(done.load(Ordering::Relaxed), 100);
        Ok(())
    }

    #[test]
    fn one_thread_keeps_the_order() -> io::Result<()> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let pool = Pool::new("test", 1)?;
        for n in 0..100 {
            let seen = Arc::clone(&seen);
            pool.run(move || seen.lock().unwrap_or_else(PoisonError::into_inner).push(n));
        }
        drop(pool);
        assert_eq!(
            *seen.lock().unwrap_or_else(PoisonError::into_inner),
            (0..100).collect::<Vec<_>>()
        );
        Ok(())
    }
}
