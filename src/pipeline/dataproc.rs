//! Batches of Dataproc Serverless by REST: made, looked at, cancelled.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;
use tracing::warn;

use super::Error;
use crate::lake::Bucket;
use crate::source;

/// The service. `CLOUDSDK_API_ENDPOINT_OVERRIDES_DATAPROC` names another one, as it does for Google's own tools.
const ENDPOINT: &str = "https://dataproc.googleapis.com";
const ENDPOINT_VARIABLE: &str = "CLOUDSDK_API_ENDPOINT_OVERRIDES_DATAPROC";

/// For one request.
const PATIENCE: Duration = Duration::from_secs(30);

/// Each before a further try, with jitter: half a minute in all.
const PAUSES_MS: [u64; 6] = [200, 500, 1_500, 4_000, 8_000, 16_000];

/// The batches of a project in a region.
pub(super) struct Dataproc<'a> {
    client: Client,
    bucket: &'a Bucket,
    endpoint: Url,
    parent: String,
}

/// What is said of a batch.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Batch {
    pub state: State,
    #[serde(default)]
    pub state_message: String,
    /// What is cancelled.
    #[serde(default)]
    pub operation: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum State {
    Pending,
    Running,
    Cancelling,
    Cancelled,
    Succeeded,
    Failed,
    #[serde(other)]
    Unknown,
}

impl<'a> Dataproc<'a> {
    /// With the credentials of the lake.
    pub(super) fn new(bucket: &'a Bucket, project: &str, region: &str) -> Result<Self, Error> {
        let endpoint = std::env::var(ENDPOINT_VARIABLE).unwrap_or_else(|_| ENDPOINT.to_owned());
        let endpoint = Url::parse(&endpoint).map_err(|error| Error::Spark(format!("{ENDPOINT_VARIABLE}: {error}")))?;
        let client = source::client().timeout(PATIENCE).build();
        let client = client.map_err(|error| Error::Spark(format!("HTTP client: {error}")))?;
        Ok(Self { client, bucket, endpoint, parent: format!("v1/projects/{project}/locations/{region}/batches") })
    }

    /// Asks for a batch; `false` when there is or was one of this id. Asked again after an answer that was lost, it is
    /// still one batch.
    pub(super) async fn create(&self, id: &str, batch: &Value) -> Result<bool, Error> {
        let mut url = self.url(&self.parent)?;
        url.query_pairs_mut().append_pair("batchId", id).append_pair("requestId", id);
        match self.ask(Method::POST, &url, Some(batch)).await? {
            (StatusCode::CONFLICT, _) => Ok(false),
            (status, answer) => ok(&url, status, &answer).map(|()| true),
        }
    }

    pub(super) async fn get(&self, id: &str) -> Result<Batch, Error> {
        let url = self.url(&format!("{}/{id}", self.parent))?;
        let (status, answer) = self.ask(Method::GET, &url, None).await?;
        ok(&url, status, &answer)?;
        serde_json::from_value(answer).map_err(|error| Error::Spark(format!("{url}: {error}")))
    }

    /// The end of a batch comes some time after.
    pub(super) async fn cancel(&self, id: &str) -> Result<(), Error> {
        let operation = self.get(id).await?.operation;
        let url = self.url(&format!("v1/{operation}:cancel"))?;
        let (status, answer) = self.ask(Method::POST, &url, Some(&Value::Object(serde_json::Map::new()))).await?;
        ok(&url, status, &answer)
    }

    fn url(&self, path: &str) -> Result<Url, Error> {
        self.endpoint.join(path).map_err(|error| Error::Spark(format!("{path}: {error}")))
    }

    /// Asks until there is an answer that another try would not change.
    async fn ask(&self, method: Method, url: &Url, body: Option<&Value>) -> Result<(StatusCode, Value), Error> {
        for pause in PAUSES_MS {
            match self.ask_once(method.clone(), url, body).await? {
                Ok((status, answer)) if !is_temporary(status) => return Ok((status, answer)),
                Ok((status, answer)) => warn!("{url}: {status}: {}", message(&answer)),
                Err(error) => warn!("{url}: {}", error.without_url()),
            }
            sleep(Duration::from_millis(fastrand::u64(pause / 2..=pause))).await;
        }
        let asked = self.ask_once(method, url, body).await?;
        asked.map_err(|error| Error::Spark(format!("{url}: {}", error.without_url())))
    }

    async fn ask_once(
        &self,
        method: Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<reqwest::Result<(StatusCode, Value)>, Error> {
        let mut request = self.client.request(method, url.clone()).bearer_auth(self.bucket.token().await?);
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let answered = async {
            let response = request.send().await?;
            let status = response.status();
            // What is no JSON was not written by Dataproc.
            Ok((status, serde_json::from_slice(&response.bytes().await?).unwrap_or_default()))
        };
        Ok(answered.await)
    }
}

fn is_temporary(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT
}

fn ok(url: &Url, status: StatusCode, answer: &Value) -> Result<(), Error> {
    if status.is_success() { Ok(()) } else { Err(Error::Spark(format!("{url}: {status}: {}", message(answer)))) }
}

fn message(answer: &Value) -> &str {
    answer["error"]["message"].as_str().unwrap_or("no message")
}
