//! One task a connection: connects, reads within the engine's budgets into a lent buffer, writes what waits.
//!
//! A wake-up reads until a read comes back short and writes everything with as few calls as possible. The readiness
//! that was consumed by a short read is asked for again without trying the read that would find nothing.

use crate::cause::{close_cause, is_exhausted};
use crate::driver::Driver;
use crate::outbox::{Outbox, SLICES};
use crate::sockets::canonical;
use crate::tls;
use async_io::{Async, Timer};
use futures_rustls::client::TlsStream;
use seedbed_engine::Event;
use seedbed_engine::id::ConnId;
use seedbed_engine::net::{CloseCause, ServerName};
use smol::future;
use smol::io::{AsyncRead as _, AsyncWrite as _};
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

/// How long what was sent before a close may take to leave.
const LINGER: Duration = Duration::from_secs(5);

/// Reads or writes of one connection in a row before the others have their turn.
const ROUNDS: usize = 4;

/// How long nothing is accepted when the system has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the driver and the task of a connection share.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) id: ConnId,
    /// Bytes that may be read.
    credit: Cell<u64>,
    out: RefCell<Outbox>,
    closing: Cell<bool>,
    /// The task is running: it will see changes without being woken.
    running: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Conn {
    pub(crate) fn new(id: ConnId) -> Rc<Self> {
        Rc::new(Self {
            id,
            credit: Cell::new(0),
            out: RefCell::default(),
            closing: Cell::new(false),
            running: Cell::new(false),
            waker: RefCell::new(None),
        })
    }

    /// Allows so many further bytes to be read.
    pub(crate) fn allow(&self, bytes: u32) {
        self.credit.set(self.credit.get().saturating_add(bytes.into()));
        self.wake();
    }

    /// Takes back what may still be read.
    pub(crate) fn hold(&self) {
        self.credit.set(0);
    }

    /// Queues bytes.
    pub(crate) fn send(&self, head: Vec<u8>, body: Option<seedbed_engine::block::Block>) {
        self.out.borrow_mut().push(head, body);
        self.wake();
    }

    /// Takes back what the system did not take yet.
    pub(crate) fn forget_unsent(&self) {
        self.out.borrow_mut().clear();
    }

    /// Sends what is queued, then closes.
    pub(crate) fn close(&self) {
        self.closing.set(true);
        self.wake();
    }

    fn wake(&self) {
        if !self.running.get()
            && let Some(waker) = self.waker.borrow_mut().take()
        {
            waker.wake();
        }
    }

    fn register(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }
}

/// Dials, then serves the connection to its end.
pub(crate) async fn dial(driver: Rc<Driver>, conn: Rc<Conn>, to: SocketAddr, name: Option<ServerName>) {
    let stream = {
        let mut establish = pin!(establish(&driver, to, name));
        poll_fn(|cx| {
            conn.register(cx);
            if conn.closing.get() {
                return Poll::Ready(None);
            }
            establish.as_mut().poll(cx).map(Some)
        })
        .await
    };
    match stream {
        None => {}
        Some(Err(error)) => driver.closed(conn.id, close_cause(&error)),
        Some(Ok(stream)) => {
            driver.event(Event::Connected { conn: conn.id });
            serve(driver, conn, stream).await;
        }
    }
}

async fn establish(driver: &Driver, to: SocketAddr, name: Option<ServerName>) -> io::Result<Stream> {
    let stream = Async::new_nonblocking(driver.sockets.connect(to)?)?;
    stream.writable().await?;
    if let Some(error) = stream.get_ref().take_error()? {
        return Err(error);
    }
    match name {
        None => Ok(Stream::Plain(stream)),
        Some(name) => {
            let stream = tls::connect(driver.tls.connector()?, &name, stream).await?;
            Ok(Stream::Tls(Box::new(stream)))
        }
    }
}

/// Accepts connections for as long as the listener works.
pub(crate) async fn accept(driver: Rc<Driver>, listener: Async<TcpListener>) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                // Without it a connection still works, only slower.
                let _ = stream.get_ref().set_nodelay(true);
                driver.accepted(Stream::Plain(stream), canonical(from));
            }
            Err(error) if is_exhausted(&error) => {
                tracing::debug!(%error, "accepting pauses");
                Timer::after(ACCEPT_PAUSE).await;
            }
            // It was a connection's end before it was accepted (accept(2) lists many).
            Err(error) => {
                tracing::debug!(%error, "not accepted");
                future::yield_now().await;
            }
        }
    }
}

/// Serves an established connection to its end.
pub(crate) async fn serve(driver: Rc<Driver>, conn: Rc<Conn>, mut stream: Stream) {
    let end = {
        let mut io = Io {
            driver: &driver,
            conn: &conn,
            stream: &mut stream,
            reading: Side::default(),
            writing: Side::default(),
            broken: None,
        };
        poll_fn(|cx| {
            conn.register(cx);
            conn.running.set(true);
            let polled = io.poll(cx);
            conn.running.set(false);
            polled
        })
        .await
    };
    if let Some(cause) = end {
        let flush = cause == CloseCause::Eof;
        driver.closed(conn.id, cause);
        if !flush {
            return;
        }
    }
    let flush = async { linger(&conn, &mut stream).await.unwrap_or(()) };
    future::or(flush, async {
        Timer::after(LINGER).await;
    })
    .await;
}

/// Sends what is queued and ends the stream.
async fn linger(conn: &Conn, stream: &mut Stream) -> io::Result<()> {
    poll_fn(|cx| {
        while !conn.out.borrow().is_empty() {
            let sent = ready!(write(conn, stream, cx))?.sent;
            conn.out.borrow_mut().consume(sent);
        }
        ready!(stream.poll_flush(cx))?;
        stream.poll_close(cx)
    })
    .await
}

/// Plain or with TLS on it.
pub(crate) enum Stream {
    Plain(Async<TcpStream>),
    Tls(Box<TlsStream<Async<TcpStream>>>),
}

impl Stream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buffer),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write_vectored(cx, slices),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_close(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_close(cx),
        }
    }
}

/// Whether a direction of the stream waits for the operating system.
#[derive(Default)]
struct Side {
    waiting: bool,
}

impl Side {
    /// Whether it is worth trying: a direction that waits is not tried until the reactor says so.
    fn poll(&mut self, poll: impl FnOnce() -> Poll<io::Result<()>>) -> Poll<io::Result<()>> {
        if self.waiting {
            ready!(poll())?;
            self.waiting = false;
        }
        Poll::Ready(Ok(()))
    }

    /// The operating system has nothing more for now: waits, without trying again. What is ready already comes from
    /// before the call that found the end; asking twice makes the reactor look afresh.
    fn wait(&mut self, mut poll: impl FnMut() -> Poll<io::Result<()>>) -> io::Result<()> {
        self.waiting = true;
        for _ in 0..2 {
            match poll() {
                Poll::Pending => return Ok(()),
                Poll::Ready(result) => result?,
            }
        }
        // Not to be missed: it is ready again, so it is tried again at once.
        self.waiting = false;
        Ok(())
    }
}

struct Io<'a> {
    driver: &'a Rc<Driver>,
    conn: &'a Conn,
    stream: &'a mut Stream,
    reading: Side,
    writing: Side,
    /// Writing failed. What arrived before is still read: often it says why.
    broken: Option<CloseCause>,
}

/// Whether there is more to do at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum More {
    Yes,
    No,
}

impl Io<'_> {
    /// Ready when the connection is over: with the cause, or without one when the engine closed it.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<CloseCause>> {
        for _ in 0..ROUNDS {
            if self.conn.closing.get() {
                return Poll::Ready(None);
            }
            let read = match self.read(cx) {
                Err(cause) => return Poll::Ready(Some(cause)),
                Ok(more) => more,
            };
            // A read may have made the engine close it.
            if self.conn.closing.get() {
                return Poll::Ready(None);
            }
            if let Err(error) = self.write(cx) {
                self.conn.out.borrow_mut().clear();
                self.broken = Some(close_cause(&error));
            }
            if self.conn.closing.get() {
                return Poll::Ready(None);
            }
            let idle = read == More::No && (self.conn.out.borrow().is_empty() || self.writing.waiting);
            if self.broken.is_some() && (self.reading.waiting || self.conn.credit.get() == 0) {
                return Poll::Ready(self.broken.take());
            }
            // Sending may have brought new credit or new bytes to send.
            if idle && (self.conn.credit.get() == 0 || self.reading.waiting) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<More, CloseCause> {
        let credit = self.conn.credit.get();
        if credit == 0 {
            return Ok(More::No);
        }
        if let Stream::Plain(stream) = &*self.stream {
            match self.reading.poll(|| stream.poll_readable(cx)) {
                Poll::Pending => return Ok(More::No),
                Poll::Ready(result) => result.map_err(|error| close_cause(&error))?,
            }
        }
        let mut buffer = self.driver.read_buffer.borrow_mut();
        let want = buffer.len().min(usize::try_from(credit).unwrap_or(usize::MAX));
        let got = match self.stream.poll_read(cx, &mut buffer[..want]) {
            Poll::Pending => {
                self.reading.waiting = true;
                return Ok(More::No);
            }
            Poll::Ready(Ok(0)) => return Err(CloseCause::Eof),
            Poll::Ready(Ok(got)) => got,
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => return Ok(More::Yes),
            Poll::Ready(Err(error)) => return Err(close_cause(&error)),
        };
        self.conn.credit.set(credit - got as u64);
        self.driver.event(Event::Received {
            conn: self.conn.id,
            data: &buffer[..got],
        });
        match &*self.stream {
            Stream::Plain(stream) if got < want => {
                self.reading
                    .wait(|| stream.poll_readable(cx))
                    .map_err(|error| close_cause(&error))?;
            }
            Stream::Plain(_) => {}
            // TLS hands out a record at a time: only `Pending` says that there is no more.
            Stream::Tls(_) => self.reading.waiting = false,
        }
        Ok(if self.reading.waiting { More::No } else { More::Yes })
    }

    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut total = 0;
        for _ in 0..ROUNDS {
            if self.conn.out.borrow().is_empty() {
                break;
            }
            if let Stream::Plain(stream) = &*self.stream
                && self.writing.poll(|| stream.poll_writable(cx))?.is_pending()
            {
                break;
            }
            let Poll::Ready(written) = write(self.conn, self.stream, cx) else {
                self.writing.waiting = true;
                break;
            };
            let Written { sent, asked } = written?;
            self.writing.waiting = false;
            self.conn.out.borrow_mut().consume(sent);
            total += sent as u64;
            if let Stream::Plain(stream) = &*self.stream
                && sent < asked
            {
                self.writing.wait(|| stream.poll_writable(cx))?;
            }
        }
        if let Stream::Tls(_) = &*self.stream {
            // A TLS stream keeps records back; an error shows at the next call.
            let _ = self.stream.poll_flush(cx);
        }
        if total > 0 {
            self.driver.event(Event::Sent {
                conn: self.conn.id,
                bytes: total,
            });
        }
        Ok(())
    }
}

struct Written {
    sent: usize,
    asked: usize,
}

fn write(conn: &Conn, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<Written>> {
    let out = conn.out.borrow();
    let mut slices = [IoSlice::new(&[]); SLICES];
    let (count, asked) = out.slices(&mut slices);
    match ready!(stream.poll_write(cx, &slices[..count])) {
        Ok(0) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        Ok(sent) => Poll::Ready(Ok(Written { sent, asked })),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            Poll::Ready(Ok(Written { sent: 0, asked: 0 }))
        }
        Err(error) => Poll::Ready(Err(error)),
    }
}

#[cfg(test)]
mod tests;
