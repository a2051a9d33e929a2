//! Certificates of an authority of our own, which the program is told to trust by `SSL_CERT_FILE`.

use std::io;
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a server shows of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Certificate {
    Good,
    Expired,
    /// Good, for another name.
    OtherHost,
    /// Signed by itself only.
    SelfSigned,
}

/// A certificate with its key, ready for handshakes.
#[derive(Clone)]
pub struct Identity(Arc<ServerConfig>);

impl Identity {
    pub fn new(certificate: Certificate) -> Self {
        let key = KeyPair::generate().unwrap();
        let name = if certificate == Certificate::OtherHost { "elsewhere.example" } else { "localhost" };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if certificate == Certificate::Expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 12, 31));
        }
        let signed = match certificate {
            Certificate::SelfSigned => params.self_signed(&key).unwrap(),
            _ => params.signed_by(&key, authority()).unwrap(),
        };
        let chain = vec![CertificateDer::from(signed.der().to_vec())];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Self(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap()))
    }

    pub fn accept(&self, tcp: TcpStream) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
        let connection = ServerConnection::new(Arc::clone(&self.0)).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, tcp))
    }
}

/// The authority's certificate, as a file of trusted ones has it.
pub fn authority_pem() -> String {
    authority().pem()
}

fn authority() -> &'static CertifiedIssuer<'static, KeyPair> {
    static AUTHORITY: OnceLock<CertifiedIssuer<'static, KeyPair>> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    })
}
