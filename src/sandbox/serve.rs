//! The door for everybody else: the sandbox on a loopback port, for any AWS SDK or CLI.
//!
//! Called by `rsds sandbox serve` and by tests over a real socket. Must never listen beyond 127.0.0.1.

use super::Sandbox;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

// Largest request body taken, in bytes: an object of S3, such as the state of a large estate.
const BODY_LIMIT: usize = 64 << 20;

/// Serves the sandbox on 127.0.0.1 until `shutdown` resolves; port 0 takes any free one, `ready` learns which.
/// Open connections are cut at shutdown.
pub async fn serve(
    sandbox: Sandbox,
    port: u16,
    ready: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    ready(listener.local_addr()?);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            Some(_finished) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => {
                    connections.spawn(converse(sandbox.clone(), stream));
                }
                Err(error) if is_one_connection(&error) => {}
                Err(error) => return Err(error),
            },
        }
    }
}

// The peer went away between its SYN and our accept: no reason to stop for the others.
fn is_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

async fn converse(sandbox: Sandbox, stream: TcpStream) {
    let service = service_fn(|request| answer(&sandbox, request));
    let connection = http1::Builder::new().keep_alive(true).serve_connection(TokioIo::new(stream), service);
    // An error ends this connection: the client left, or a fault cut it.
    if let Err(error) = connection.await {
        tracing::debug!(%error, "sandbox connection ended");
    }
}

async fn answer(
    sandbox: &Sandbox,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        let mut response = Response::new(Full::from("the request body is too large or was cut off\n"));
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(response);
    };
    let response = sandbox.carry(Request::from_parts(head, body.to_bytes())).await?;
    Ok(response.map(Full::new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::sandbox::{Fault, How};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

    async fn ask(stream: &mut TcpStream) -> String {
        let scope = "AKIASANDBOX000000000/20260101/us-west-2/sts/aws4_request";
        let length = BODY.len();
        let text = format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\nauthorization: AWS4-HMAC-SHA256 Credential={scope}\r\n\
             content-length: {length}\r\n\r\n{BODY}"
        );
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let mut part = [0; 4096];
        while !answer.contains("</GetCallerIdentityResponse>") {
            let read = stream.read(&mut part).await.unwrap_or(0);
            if read == 0 {
                break;
            }
            answer.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
        answer
    }

    #[tokio::test]
    async fn a_raw_socket_is_answered_twice_then_cut_by_a_fault() {
        let sandbox = Sandbox::in_memory(Clock::system());
        sandbox.inject(Fault::once("*", 3, How::LoseRequest));
        let (ready, address) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(sandbox, 0, move |address| ready.send(address).unwrap(), async move {
            stopped.await.unwrap_or_default();
        }));
        let address = address.await.unwrap();
        assert!(address.ip().is_loopback());
        let mut stream = TcpStream::connect(address).await.unwrap();
        for _ in 0..2 {
            let answer = ask(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        }
        assert_eq!(ask(&mut stream).await, "", "the fault cuts the connection");
        let mut again = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut again).await.starts_with("HTTP/1.1 200 OK"));
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }
}
