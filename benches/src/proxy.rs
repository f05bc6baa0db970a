//! A TCP proxy that counts bytes and round trips and can delay both ways.
//!
//! A round trip is an answer: bytes from the server after bytes from the client. What a client sends on without
//! waiting counts once, and its goodbye, which has no answer, not at all. Up to the first `ReadyForQuery` it is the
//! connection's own start-up, counted apart: no tool can do anything about it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// `ReadyForQuery`, idle: the last message of a start-up.
const READY: &[u8] = b"Z\0\0\0\x05I";

/// What went over the connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub connections: usize,
    pub start_up_trips: usize,
    pub trips: usize,
    /// Bytes after the start-up, from the client and from the server.
    pub sent: usize,
    pub received: usize,
}

/// Takes connections until it is dropped.
pub struct Proxy {
    pub port: u16,
    traffic: Arc<Mutex<Traffic>>,
}

#[derive(Default)]
struct Connection {
    started: bool,
    client_spoke_last: bool,
}

impl Proxy {
    pub fn start(server: u16, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let traffic = Arc::new(Mutex::new(Traffic::default()));
        let shared = Arc::clone(&traffic);
        // It ends with the process: a handful of them are made.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { return };
                lock(&shared).connections += 1;
                serve(&client, &server, delay, &shared);
            }
        });
        Ok(Self { port, traffic })
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// What went over it since the last call.
    pub fn take(&self) -> Traffic {
        std::mem::take(&mut *lock(&self.traffic))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(client: &TcpStream, server: &TcpStream, delay: Duration, traffic: &Arc<Mutex<Traffic>>) {
    let connection = Arc::new(Mutex::new(Connection::default()));
    for from_client in [true, false] {
        let (from, to) = if from_client { (client, server) } else { (server, client) };
        let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return };
        let _ = to.set_nodelay(true);
        let (connection, traffic) = (Arc::clone(&connection), Arc::clone(traffic));
        let count = move |bytes: &[u8]| {
            let (mut connection, mut traffic) = (lock(&connection), lock(&traffic));
            count(&mut connection, &mut traffic, from_client, bytes);
        };
        if delay.is_zero() {
            thread::spawn(move || forward(from, to, count));
        } else {
            let (sender, receiver) = channel();
            thread::spawn(move || hold(from, &sender, delay, count));
            thread::spawn(move || release(&receiver, to));
        }
    }
}

fn count(connection: &mut Connection, traffic: &mut Traffic, from_client: bool, bytes: &[u8]) {
    if from_client {
        connection.client_spoke_last = true;
    } else if std::mem::take(&mut connection.client_spoke_last) {
        if connection.started {
            traffic.trips += 1;
        } else {
            traffic.start_up_trips += 1;
        }
    }
    if connection.started {
        *(if from_client { &mut traffic.sent } else { &mut traffic.received }) += bytes.len();
    } else if !from_client && bytes.ends_with(READY) {
        connection.started = true;
    }
}

/// Without a delay, on one thread each way: what is measured should not be the proxy.
fn forward(mut from: TcpStream, mut to: TcpStream, count: impl Fn(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        count(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn hold(mut from: TcpStream, sender: &Sender<(Instant, Vec<u8>)>, delay: Duration, count: impl Fn(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        count(&buffer[..length]);
        if sender.send((Instant::now() + delay, buffer[..length].to_vec())).is_err() {
            break;
        }
    }
}

fn release(receiver: &Receiver<(Instant, Vec<u8>)>, mut to: TcpStream) {
    for (due, bytes) in receiver {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipelined_burst_is_one_round_trip_and_a_goodbye_is_none() {
        let (mut connection, mut traffic) = (Connection::default(), Traffic::default());
        let mut say = |from_client, bytes| count(&mut connection, &mut traffic, from_client, bytes);
        say(true, b"startup");
        say(false, b"Rok");
        say(false, READY);
        say(true, b"Qone");
        say(true, b"Qtwo");
        say(false, b"Cone");
        say(false, READY);
        say(true, b"Qthree");
        say(false, READY);
        say(true, b"X");
        let expected = Traffic { connections: 0, start_up_trips: 1, trips: 2, sent: 15, received: 16 };
        assert_eq!(traffic, expected);
    }
}
