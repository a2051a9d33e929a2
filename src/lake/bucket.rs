//! Cloud Storage by its XML API, whose generations are compare-and-set.
//!
//! Credentials are the application default ones, never a setting: the file that `GOOGLE_APPLICATION_CREDENTIALS` names,
//! the one that `gcloud auth application-default login` left, or the metadata server of the machine. The other standard
//! variables that begin with `GOOGLE_` are heeded too, such as `GOOGLE_BASE_URL` for a stand-in of the service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::gcp::{GcpCredentialProvider, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientConfigKey, Error, ObjectStore, RetryConfig};

use super::{Cause, Key};

/// A bucket that holds a lake.
pub struct Bucket {
    /// `gs://bucket/prefix`.
    url: String,
    credentials: GcpCredentialProvider,
}

impl Bucket {
    /// `gs://bucket/prefix`.
    pub fn address(&self) -> &str {
        &self.url
    }

    /// The address of an object, for the other services of the cloud.
    pub fn url(&self, key: Key<'_>) -> String {
        format!("{}/{key}", self.url)
    }

    /// A token for the other services of the cloud, from the same credentials; kept until it is about to run out.
    pub async fn token(&self) -> Result<String, super::Error> {
        let credential = self.credentials.get_credential().await;
        let token = credential.map(|credential| credential.bearer.clone());
        token.map_err(|error| super::Error { key: "credentials".to_owned(), cause: explained(error.into()) })
    }
}

// Credentials are shown to nobody.
impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

pub(super) fn open(name: &str, prefix: &str) -> Result<(Arc<dyn ObjectStore>, Bucket), Error> {
    // rustls wants to be told which cryptography to use. A second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(name)
        .with_config(GoogleConfigKey::Client(ClientConfigKey::ConnectTimeout), "5s")
        // For a part of a file, up or down. One that breaks off is asked for from there on.
        .with_config(GoogleConfigKey::Client(ClientConfigKey::Timeout), "60s")
        // Until the first byte comes, and between two: a server that starts on a dead connection is ready within a minute.
        // Sending a part is among it, and home lines are slow.
        .with_config(GoogleConfigKey::Client(ClientConfigKey::ReadTimeout), "40s")
        .with_retry(retry())
        .build()?;
    let url = format!("gs://{name}/{prefix}").trim_end_matches('/').to_owned();
    let bucket = Bucket { url, credentials: Arc::clone(store.credentials()) };
    // An empty prefix changes nothing.
    Ok((Arc::new(PrefixStore::new(store, prefix)), bucket))
}

/// About ten seconds: an object takes one write a second, so the last pauses are longer than that; and a lease that
/// can't be renewed must be known to be lost well before its time is up.
fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            base: 3.0,
        },
        max_retries: 7,
        retry_timeout: Duration::from_secs(30),
    }
}

/// Whether there is no such object. A bucket that does not exist is no empty lake.
pub(super) fn is_absent(error: &Error) -> bool {
    matches!(error, Error::NotFound { source, .. } if !is_about_bucket(&**source))
}

/// The answers differ in this word only.
fn is_about_bucket(source: &(dyn std::error::Error + 'static)) -> bool {
    source.to_string().contains("NoSuchBucket")
}

/// With what to do about it where that is known, in one line.
pub(super) fn explained(cause: Cause) -> Cause {
    let Some(hint) = cause.downcast_ref().and_then(hint) else { return cause };
    let text = cause.to_string();
    format!("{hint}: {}", text.split_whitespace().collect::<Vec<_>>().join(" ")).into()
}

fn hint(error: &Error) -> Option<&'static str> {
    match error {
        Error::Unauthenticated { .. } => Some("the credentials are not accepted"),
        Error::PermissionDenied { .. } => Some("the account needs the role roles/storage.objectUser on the bucket"),
        Error::NotFound { source, .. } if is_about_bucket(&**source) => Some("there is no such bucket"),
        error if error.to_string().contains("token request") => {
            Some("no credentials: set GOOGLE_APPLICATION_CREDENTIALS or run gcloud auth application-default login")
        }
        _ => None,
    }
}
