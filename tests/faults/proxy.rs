//! A small TCP proxy whose connections can be cut, or made to swallow what is sent.

use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::random::Random;

/// Listens on a port of its own, before a server.
pub struct Proxy {
    port: u16,
    open: Arc<Mutex<Vec<AbortHandle>>>,
    swallows: watch::Sender<Swallows>,
}

/// Which connections answer no more, and are not closed either: as behind a link that is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swallows {
    /// None.
    Nothing,
    /// Those that are open now.
    Open,
    /// All, also those that come.
    All,
}

impl Proxy {
    /// A proxy before the server of a URL.
    pub async fn start(url: &str) -> Self {
        let url = url::Url::parse(url).unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&open);
        let (swallows, state) = watch::channel(Swallows::Nothing);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let server = server.clone();
                let mut state = state.clone();
                let is_swallowed = *state.borrow_and_update() == Swallows::All;
                let task = tokio::spawn(async move {
                    if !is_swallowed && let Ok(mut server) = TcpStream::connect(server).await {
                        let is_down = async {
                            while state.changed().await.is_ok()
                                && *state.borrow() == Swallows::Nothing
                            {
                            }
                        };
                        tokio::select! {
                            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                            () = is_down => {}
                        }
                    }
                    // The client is not told; the server has noticed.
                    std::future::pending::<()>().await;
                    drop(client);
                });
                known.lock().unwrap().push(task.abort_handle());
            }
        });
        Self { port, open, swallows }
    }

    /// The URL of the same database, through the proxy.
    pub fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.into()
    }

    /// Some connections swallow what is sent from now on.
    pub fn swallow(&self, which: Swallows) {
        self.swallows.send_replace(which);
    }

    /// Cuts a connection in both directions; false when none is open.
    pub fn cut(&self, random: &mut Random) -> bool {
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
