//! One end of a TLS connection by rustls: what comes from standard input goes to the peer, a record for each read, and what the peer
//! sends goes to standard output. Secrets go to `$SSLKEYLOGFILE`.
//!
//!     rustls-pipe serve ADDRESS:PORT 1.2|1.3 ROOT.pem CHAIN.pem KEY.pem
//!     rustls-pipe call  ADDRESS:PORT 1.2|1.3 ROOT.pem NAME

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{
    ClientConfig, ClientConnection, Connection, KeyLogFile, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
    version,
};
use std::error::Error;
use std::io::{ErrorKind, Read, Write, stdin, stdout};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    let (connection, stream) = match args[..] {
        ["serve", at, version, _, chain, key] => {
            let chain = CertificateDer::pem_file_iter(chain)?.collect::<Result<_, _>>()?;
            let config = ServerConfig::builder_with_protocol_versions(versions(version)).with_no_client_auth();
            let mut config = config.with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
            config.key_log = Arc::new(KeyLogFile::new());
            let listener = TcpListener::bind(at)?;
            eprintln!("ready");
            (Connection::from(ServerConnection::new(Arc::new(config))?), listener.accept()?.0)
        }
        ["call", at, version, root, name] => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(root)?)?;
            let mut config =
                ClientConfig::builder_with_protocol_versions(versions(version)).with_root_certificates(roots).with_no_client_auth();
            config.key_log = Arc::new(KeyLogFile::new());
            let name = ServerName::try_from(name.to_owned())?;
            (Connection::from(ClientConnection::new(Arc::new(config), name)?), TcpStream::connect(at)?)
        }
        _ => return Err("usage: rustls-pipe serve|call ...; see the top of main.rs".into()),
    };
    pipe(connection, stream)
}

static TLS12: [&SupportedProtocolVersion; 1] = [&version::TLS12];
static TLS13: [&SupportedProtocolVersion; 1] = [&version::TLS13];

fn versions(name: &str) -> &'static [&'static SupportedProtocolVersion] {
    if name == "1.2" { &TLS12 } else { &TLS13 }
}

/// Until the peer is done, or standard input ends.
fn pipe(mut connection: Connection, mut stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let (to_peer, input) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(len @ 1..) = stdin().read(&mut buffer) {
            if to_peer.send(buffer[..len].to_vec()).is_err() {
                return;
            }
        }
    });
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_millis(10)))?;
    loop {
        while connection.wants_write() {
            connection.write_tls(&mut stream)?;
        }
        match connection.read_tls(&mut stream) {
            Ok(0) => return Ok(()),
            Ok(_) => {
                let state = connection.process_new_packets()?;
                let mut text = vec![0; state.plaintext_bytes_to_read()];
                connection.reader().read_exact(&mut text)?;
                stdout().write_all(&text)?;
                stdout().flush()?;
                if state.peer_has_closed() {
                    connection.send_close_notify();
                    connection.write_tls(&mut stream)?;
                    return Ok(());
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
        if connection.is_handshaking() {
            continue;
        }
        match input.try_recv() {
            Ok(record) => connection.writer().write_all(&record)?,
            Err(mpsc::TryRecvError::Disconnected) => {
                connection.send_close_notify();
                connection.write_tls(&mut stream)?;
                return Ok(());
            }
            Err(mpsc::TryRecvError::Empty) => {}
        }
    }
}
