//! Golden files: numbers of a reference implementation, kept with the script that made them.

use std::{collections::BTreeMap, fs, path::Path};

use safetensors::{Dtype, SafeTensors};
use serde::de::DeserializeOwned;

/// Named tensors of a golden safetensors file, in f64.
#[derive(Debug, Clone)]
pub struct Golden {
    tensors: BTreeMap<String, (Vec<usize>, Vec<f64>)>,
}

impl Golden {
    /// Reads a file of f32 and f64 tensors.
    ///
    /// # Panics
    /// If the file cannot be read or holds another type.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let file =
            SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let tensors = file
            .iter()
            .map(|(name, view)| {
                let values = to_f64(view.dtype(), view.data())
                    .unwrap_or_else(|| panic!("{}: {name} is {:?}", path.display(), view.dtype()));
                (name.to_owned(), (view.shape().to_vec(), values))
            })
            .collect();
        Self { tensors }
    }

    /// Values of tensor `name` in row-major order.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[track_caller]
    pub fn values(&self, name: &str) -> &[f64] {
        &self.get(name).1
    }

    /// Shape of tensor `name`; empty for a scalar.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[track_caller]
    pub fn shape(&self, name: &str) -> &[usize] {
        &self.get(name).0
    }

    /// The one value of tensor `name`.
    ///
    /// # Panics
    /// If there is no such tensor or it is no scalar.
    #[track_caller]
    pub fn scalar(&self, name: &str) -> f64 {
        match self.values(name) {
            [value] => *value,
            values => panic!("{name} has {} values", values.len()),
        }
    }

    /// Names that start with `prefix`, in ascending order and without it.
    pub fn names<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.tensors.keys().filter_map(move |name| name.strip_prefix(prefix))
    }

    #[track_caller]
    fn get(&self, name: &str) -> &(Vec<usize>, Vec<f64>) {
        self.tensors.get(name).unwrap_or_else(|| {
            panic!("no tensor {name}; there are {:?}", self.tensors.keys().collect::<Vec<_>>())
        })
    }
}

/// Reads a golden JSON file.
///
/// # Panics
/// If it cannot be read or is not a `T`.
#[track_caller]
pub fn golden_json<T: DeserializeOwned>(path: impl AsRef<Path>) -> T {
    let path = path.as_ref();
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn to_f64(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f64>> {
    match dtype {
        Dtype::F32 => Some(
            bytes
                .chunks_exact(4)
                .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
                .collect(),
        ),
        Dtype::F64 => {
            Some(bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;

    use super::*;
    use crate::temp_dir;

    #[test]
    fn reads_f32_and_f64_by_name() {
        let a: Vec<u8> = [1.5_f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let b = 0.25_f64.to_le_bytes();
        let views = [
            ("g.a", TensorView::new(Dtype::F32, vec![1, 2], &a).unwrap()),
            ("b", TensorView::new(Dtype::F64, vec![], &b).unwrap()),
        ];
        let dir = temp_dir();
        let path = dir.path().join("golden.safetensors");
        fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();

        let golden = Golden::open(&path);
        assert_eq!(golden.values("g.a"), [1.5, -2.0]);
        assert_eq!(golden.shape("g.a"), [1, 2]);
        assert_eq!(golden.scalar("b"), 0.25);
        assert_eq!(golden.names("g.").collect::<Vec<_>>(), ["a"]);
    }
}
