//! Whether somebody listens on a port of this machine.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Whether a connection to this port of 127.0.0.1 is accepted. The answer is there in microseconds; a machine that gives none
/// within 50 ms counts as one without a listener.
pub fn accepts(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_millis(50)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::accepts;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn a_port_accepts_while_somebody_listens() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(accepts(port));
        drop(listener);
        assert!(!accepts(port));
    }
}
