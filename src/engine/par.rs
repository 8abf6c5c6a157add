//! The only threads: rayon's pool for windows, shards, judges, and one thread for each input that is read ahead.

use rayon::prelude::*;

/// Applies `f` to each item in parallel; results keep the order of the items.
pub fn par_map<T: Send, R: Send>(items: Vec<T>, f: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    items.into_par_iter().map(f).collect()
}

/// Applies `f` to each item in place, in parallel; results keep the order of the items.
pub fn par_map_mut<T: Send, R: Send>(items: &mut [T], f: impl Fn(usize, &mut T) -> R + Sync + Send) -> Vec<R> {
    items.par_iter_mut().enumerate().map(|(i, item)| f(i, item)).collect()
}

/// Sorts by a key that is looked up once an item, as it lies elsewhere; items of one key keep their order.
pub fn sort_by_cached_key<T: Send, K: Ord + Send>(items: &mut [T], key: impl Fn(&T) -> K + Sync) {
    items.par_sort_by_cached_key(key);
}

/// Runs both, in parallel where a thread is free.
pub fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    rayon::join(a, b)
}

/// Runs `f` with `threads` threads in the pool; 0 takes as many as there are processors.
pub fn with_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(f),
        Err(_) => f(),
    }
}

/// Starts a thread that reads an input ahead.
pub fn spawn(work: Box<dyn FnOnce() + Send + 'static>) {
    std::thread::spawn(work);
}
