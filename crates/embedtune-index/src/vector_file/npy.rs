//! The NumPy file format, version 1.0: a header and the values.
//!
//! Source: `numpy.lib.format`.

/// Bytes of a header, whatever the shape: values begin at a multiple of 64, and two numbers of 64
/// bits always end between the first and the second.
pub(super) const HEADER: usize = 128;

/// Header of a row-major float32 array of shape `(rows, dim)`.
pub(super) fn header(rows: u64, dim: usize) -> Vec<u8> {
    let shape = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}");
    // Magic, version and length take 10 bytes, the line break one.
    let text = format!("{shape:<width$}\n", width = HEADER - 11);
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_one_size_for_every_shape() {
        for (rows, dim) in [(0, 1), (7, 384), (123_456_789, 4096), (u64::MAX, usize::MAX)] {
            let bytes = header(rows, dim);
            assert_eq!(bytes.len(), HEADER);
            assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
            assert_eq!(usize::from(u16::from_le_bytes([bytes[8], bytes[9]])), HEADER - 10);
            let text = std::str::from_utf8(&bytes[10..]).unwrap();
            assert!(text.contains(&format!("'shape': ({rows}, {dim})")) && text.ends_with('\n'));
        }
    }
}
