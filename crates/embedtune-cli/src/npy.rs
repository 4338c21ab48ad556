//! The NumPy file format, version 1.0: a header and the values.
//!
//! Source: `numpy.lib.format`.

use std::io::{self, Write};

/// Writes the header of a row-major float32 array of shape `(rows, dim)`.
pub(crate) fn write_header(writer: &mut dyn Write, rows: usize, dim: usize) -> io::Result<()> {
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}");
    // Magic, version and length take 10 bytes; values begin at a multiple of 64.
    let padding = 63 - (10 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(io::Error::other)?;
    writer.write_all(b"\x93NUMPY\x01\x00")?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(header.as_bytes())
}

/// Writes values.
pub(crate) fn write_values(writer: &mut dyn Write, values: &[f32]) -> io::Result<()> {
    values.iter().try_for_each(|value| writer.write_all(&value.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_begin_at_a_multiple_of_64() {
        for (rows, dim) in [(0, 1), (7, 384), (123_456_789, 4096)] {
            let mut bytes = Vec::new();
            write_header(&mut bytes, rows, dim).unwrap();
            assert_eq!(bytes.len() % 64, 0);
            assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
            assert_eq!(usize::from(u16::from_le_bytes([bytes[8], bytes[9]])), bytes.len() - 10);
            let header = std::str::from_utf8(&bytes[10..]).unwrap();
            assert!(
                header.contains(&format!("'shape': ({rows}, {dim})")) && header.ends_with('\n')
            );
        }
    }
}
