//! Downloads a model from the Hugging Face hub (or a mirror of it) into the cache that the Python
//! libraries use.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use ureq::{
    Agent, Body,
    http::{Response, Uri, header},
};

use super::{ModelId, SourceSettings, cache::Snapshot, checksum};

/// A hub that cannot be reached is given up after this long, name lookup and connection each.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(2500);
/// Longest silence in an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Renamed repositories redirect once, large files once more.
const MAX_REDIRECTS: usize = 5;

/// Answer of the hub about a repository, the part that is needed.
#[derive(Deserialize)]
struct Repository {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

/// Brings the files of `id` into the cache entry `repository` and returns the snapshot's directory.
pub(super) fn download(
    id: &ModelId,
    repository: &Path,
    settings: &SourceSettings,
    announce: &dyn Fn(&str),
) -> Result<PathBuf> {
    let hub = Hub::new(settings);
    let listing = hub.get(&format!("{}/api/models/{id}/revision/main", settings.endpoint))?;
    let reader = listing.response.into_body().into_reader();
    let listing: Repository =
        serde_json::from_reader(reader).context("the answer is not that of a model hub")?;
    let names: Vec<String> = listing.siblings.into_iter().map(|file| file.rfilename).collect();
    let names = wanted(&names);
    if !names.iter().any(|name| name.ends_with(".safetensors")) {
        bail!("{id} has no safetensors weights; convert them with save_pretrained in Python");
    }
    announce(&format!("fetching {id} from {}", settings.endpoint));
    let snapshot = Snapshot::new(repository, &listing.sha);
    for name in names {
        let url = format!("{}/{id}/resolve/{}/{name}", settings.endpoint, listing.sha);
        let answer = hub.get(&url).with_context(|| name.to_owned())?;
        let etag = answer.etag.clone().with_context(|| format!("{name}: answer has no ETag"))?;
        save(answer.response, &snapshot.blob(&etag)).with_context(|| name.to_owned())?;
        snapshot.link(name, &etag)?;
    }
    snapshot.publish()?;
    Ok(snapshot.path())
}

/// Files that a Sentence Transformers directory is loaded from: settings, tokenizer and safetensors
/// at the top and in module directories; not the same weights in formats of other programs.
fn wanted(names: &[String]) -> Vec<&str> {
    let module = |directory: &str| {
        directory.starts_with(|c: char| c.is_ascii_digit()) && directory.contains('_')
    };
    let kept = |name: &&str| {
        let (directory, file) = name.rsplit_once('/').unwrap_or(("", name));
        let kind = ["json", "txt", "safetensors", "model"]
            .contains(&file.rsplit_once('.').map_or("", |(_, extension)| extension));
        (directory.is_empty() || (module(directory) && !directory.contains('/'))) && kind
    };
    names.iter().map(String::as_str).filter(kept).filter(|name| is_plain_path(name)).collect()
}

/// A hub's file names become paths of this machine: none may leave its directory.
fn is_plain_path(name: &str) -> bool {
    Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// Writes a body to `blob`, whole or not at all. Blobs are named by content: what is there stays.
fn save(response: Response<Body>, blob: &Path) -> Result<()> {
    if blob.is_file() {
        return Ok(());
    }
    let directory = blob.parent().context("a blob lies in a directory")?;
    fs::create_dir_all(directory)?;
    let expected: Option<u64> = response
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let mut staged = tempfile::NamedTempFile::new_in(directory)?;
    let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
    let got = io::copy(&mut body as &mut dyn Read, &mut staged)?;
    if expected.is_some_and(|expected| expected != got) {
        bail!("got {got} of {} bytes", expected.unwrap_or_default());
    }
    let etag = blob.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // Large files are named by their SHA-256, small ones by their git hash.
    if etag.len() == 64 && checksum::sha256(staged.path())? != etag {
        bail!("the bytes do not have the SHA-256 {etag} that the hub announced");
    }
    staged.as_file().sync_all()?;
    open_to_all(staged.path())?;
    staged.persist(blob)?;
    Ok(())
}

/// Temporary files are private; the cache is shared like the Python libraries leave it.
fn open_to_all(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    }
    let _ = path;
    Ok(())
}

/// An answer with a body, and the name of its content.
struct Answer {
    response: Response<Body>,
    etag: Option<String>,
}

struct Hub<'a> {
    agent: Agent,
    settings: &'a SourceSettings,
}

impl<'a> Hub<'a> {
    fn new(settings: &'a SourceSettings) -> Self {
        let config = Agent::config_builder()
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(READ_TIMEOUT))
            .timeout_per_read(Some(READ_TIMEOUT))
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("embedtune/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), settings }
    }

    /// Follows redirects by hand: the content's name is on the first answer, and the token must not
    /// travel to another host.
    fn get(&self, url: &str) -> Result<Answer> {
        let mut url = url.to_owned();
        let mut etag = None;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.request(&url)?;
            let head = |name: &str| {
                response
                    .headers()
                    .get(name)
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned)
            };
            etag = etag.or_else(|| head("x-linked-etag"));
            let status = response.status();
            if status.is_redirection() {
                let target = head("location").context("a redirect that does not say where")?;
                url = absolute(&url, &target)?;
                continue;
            }
            match status.as_u16() {
                200 => {
                    let etag = etag.or_else(|| head("etag")).map(|etag| plain_etag(&etag));
                    return Ok(Answer { response, etag });
                }
                401 | 403 => bail!("access denied ({status}); a private model needs HF_TOKEN"),
                404 => bail!("no such model ({status})"),
                _ => bail!("answered {status}"),
            }
        }
        bail!("more than {MAX_REDIRECTS} redirects");
    }

    fn request(&self, url: &str) -> Result<Response<Body>> {
        let mut request = self.agent.get(url);
        let home = format!("{}/", self.settings.endpoint);
        if let Some(token) = self.settings.token.as_ref().filter(|_| url.starts_with(&home)) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        Ok(request.call()?)
    }
}

/// `"abc"` or `W/"abc"` without the decoration; whatever could leave the directory becomes `-`.
fn plain_etag(etag: &str) -> String {
    let plain = etag.trim_start_matches("W/").trim_matches('"');
    plain.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// Target of a redirect, which may be a path on the same host.
fn absolute(url: &str, target: &str) -> Result<String> {
    if !target.starts_with('/') {
        return Ok(target.to_owned());
    }
    let uri: Uri = url.parse()?;
    let (scheme, host) = uri.scheme_str().zip(uri.authority()).context("not a whole address")?;
    Ok(format!("{scheme}://{host}{target}"))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// Serves a model the way the hub does: settings by their git hash, weights by a redirect.
    fn serve(weights: &'static [u8], digest: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut line = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                reader.read_line(&mut line).unwrap();
                let mut rest = String::new();
                while reader.read_line(&mut rest).unwrap() > 2 {
                    rest.clear();
                }
                let path = line.split(' ').nth(1).unwrap();
                let (head, body): (String, Vec<u8>) = match path {
                    "/api/models/a/b/revision/main" => (
                        "200 OK".into(),
                        br#"{"sha":"c0ffee","siblings":[{"rfilename":"config.json"},
                           {"rfilename":"tokenizer.json"},{"rfilename":"1_Pooling/config.json"},
                           {"rfilename":"model.safetensors"},{"rfilename":"onnx/model.onnx"},
                           {"rfilename":"pytorch_model.bin"}]}"#
                            .to_vec(),
                    ),
                    "/a/b/resolve/c0ffee/model.safetensors" => (
                        format!("302 Found\r\nX-Linked-ETag: \"{digest}\"\r\nLocation: /cdn"),
                        vec![],
                    ),
                    "/cdn" => ("200 OK\r\nETag: \"other\"".into(), weights.to_vec()),
                    path if path.starts_with("/a/b/resolve/c0ffee/") => {
                        let etag = path.replace(['/', '.', '_'], "");
                        (format!("200 OK\r\nETag: \"{etag}\""), path.as_bytes().to_vec())
                    }
                    _ => ("404 Not Found".into(), vec![]),
                };
                let length = body.len();
                let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n");
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(b"Connection: close\r\n\r\n").unwrap();
                stream.write_all(&body).unwrap();
            }
        });
        address
    }

    fn fetch(id: &str, endpoint: String, cache: &Path) -> Result<PathBuf> {
        let settings = SourceSettings {
            hub_cache: cache.to_owned(),
            own_cache: cache.to_owned(),
            endpoint,
            offline: false,
            token: None,
        };
        download(&ModelId(id.to_owned()), &cache.join("repository"), &settings, &|_| ())
    }

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_model_arrives_in_the_standard_layout() {
        let cache = tempfile::tempdir().unwrap();
        let path = fetch("a/b", serve(b"abc", ABC), cache.path()).unwrap();
        let repository = cache.path().join("repository");
        assert_eq!(path, repository.join("snapshots/c0ffee"));
        assert_eq!(fs::read(path.join("model.safetensors")).unwrap(), b"abc");
        assert!(path.join("1_Pooling/config.json").is_file());
        assert!(!path.join("onnx").exists() && !path.join("pytorch_model.bin").exists());
        assert!(repository.join("blobs").join(ABC).is_file());
        assert_eq!(fs::read_to_string(repository.join("refs/main")).unwrap(), "c0ffee");
    }

    #[test]
    fn damaged_weights_are_not_kept() {
        let cache = tempfile::tempdir().unwrap();
        let error = fetch("a/b", serve(b"abd", ABC), cache.path()).unwrap_err();
        assert!(format!("{error:#}").contains("SHA-256"), "{error:#}");
        let repository = cache.path().join("repository");
        assert!(!repository.join("refs").exists());
        assert!(!repository.join("blobs").join(ABC).exists());
    }

    #[test]
    fn an_unknown_model_is_said_to_be_unknown() {
        let cache = tempfile::tempdir().unwrap();
        let error = fetch("no/such", serve(b"", ABC), cache.path()).unwrap_err();
        assert!(error.to_string().contains("no such model"), "{error}");
    }
}
