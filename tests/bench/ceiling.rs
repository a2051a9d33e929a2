//! The least that an answer in memory can cost with the same libraries: axum, which answers whatever it is asked with the
//! bytes of one file, or 304 to a client that names a tag. `ceiling PORT FILE NAME=VALUE...`, with the headers to send.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{HeaderName, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

fn main() -> anyhow::Result<()> {
    // Cargo adds `--bench` to what it is told.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [port, file, headers @ ..] = arguments.as_slice() else {
        anyhow::bail!("usage: ceiling PORT FILE NAME=VALUE...")
    };
    let headers = headers.iter().map(|header| parse(header)).collect::<anyhow::Result<HeaderMap>>()?;
    let stored = Arc::new((headers, Bytes::from(std::fs::read(file)?)));
    let (port, router) = (port.parse::<u16>()?, Router::new().fallback(answer).with_state(stored));
    // The runtime that the program has.
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        // At once, as nginx does: the last piece of an answer would wait for the client otherwise.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, router).await.context("serving")
    })
}

fn parse(header: &str) -> anyhow::Result<(HeaderName, HeaderValue)> {
    let (name, value) = header.split_once('=').context("a header is NAME=VALUE")?;
    Ok((name.parse()?, value.parse()?))
}

async fn answer(State(stored): State<Arc<(HeaderMap, Bytes)>>, asked: HeaderMap) -> Response {
    let (headers, bytes) = &*stored;
    if asked.contains_key(IF_NONE_MATCH) {
        return (StatusCode::NOT_MODIFIED, headers.clone()).into_response();
    }
    (headers.clone(), Body::from(bytes.clone())).into_response()
}
