//! A small TCP proxy whose connections can be cut.

use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::random::Random;

/// Listens on a port of its own, before a server.
pub(super) struct Proxy {
    port: u16,
    open: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Proxy {
    /// A proxy before the server of a URL.
    pub(super) async fn start(url: &str) -> Self {
        let url = url::Url::parse(url).unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&open);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let server = server.clone();
                let task = tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(server).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
                known.lock().unwrap().push(task.abort_handle());
            }
        });
        Self { port, open }
    }

    /// The URL of the same database, through the proxy.
    pub(super) fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.into()
    }

    /// Cuts a connection in both directions; false when none is open.
    pub(super) fn cut(&self, random: &mut Random) -> bool {
        let mut open = self.open.lock().unwrap();
        open.retain(|task| !task.is_finished());
        if open.is_empty() {
            return false;
        }
        let at = random.below(open.len());
        open.swap_remove(at).abort();
        true
    }
}
