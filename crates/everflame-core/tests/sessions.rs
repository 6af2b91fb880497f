//! Sampling that starts while another thread of the process stops it.

mod support;

use std::sync::atomic::Ordering;
use std::thread::spawn;

use everflame_core::pprof::Encoding;
use everflame_core::session;
use everflame_core::signal::COUNTERS;
use support::{LIMIT, burn, config, samples, wait_for};

#[test]
fn a_start_beside_a_stop_gives_profiles() {
    let config = config("ctimer", std::time::Duration::from_millis(1));
    let start = || wait_for("a start", || session::start(&config).is_ok());
    for round in 0..500 {
        start();
        let stopping = spawn(|| session::stop(Encoding::Identity, drop));
        start();
        stopping.join().expect("the thread ends");
        let before = samples();
        wait_for("a sample", || {
            burn(100_000);
            samples() > before
        });
        let profile = session::rotate_now(Encoding::Identity, LIMIT)
            .expect("a profile in time")
            .expect("an encoded profile");
        assert!(
            profile.samples > 0,
            "nothing in the profile of round {round}"
        );
        session::stop(Encoding::Identity, drop);
    }
    assert_eq!(COUNTERS.dropped_no_slot.load(Ordering::Relaxed), 0);
}
