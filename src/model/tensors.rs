//! Tensors to bytes and back: the container of the model file.
//!
//! Flows in: named arrays and one string of metadata. Flows out: a `safetensors` file, which holds data and no code and can be read from Python. Its last 32 bytes
//! are the BLAKE3 checksum of everything before them (the tensor `zz_blake3`, which the format's order of tensors puts last), so a reader can verify the file before it believes a single length in it.

use std::collections::HashMap;

use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// Name of the one metadata key; with more than one their order would be that of a hash map.
const KEY: &str = "rapporteur";
const CHECKSUM: &str = "zz_blake3";
const CHECKSUM_LEN: usize = 32;
/// How every file of this kind begins, after eight bytes of length.
const BEGINNING: &[u8] = br#"{"__metadata__":{"rapporteur":"#;
/// Bytes by which [`begins_well`] knows a file.
pub(super) const BEGINNING_BYTES: u64 = 8 + BEGINNING.len() as u64;

/// True for bytes that begin as a file of this kind.
pub(super) fn begins_well(file: &[u8]) -> bool {
    file.get(8..).is_some_and(|rest| rest.starts_with(BEGINNING))
}

/// How weights are rounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rounding {
    /// Not at all.
    None,
    /// To half precision.
    Half,
    /// To multiples of a step of eight bits. One step for all weights, and not one for each feature: what a row's score is off by then has one bound, however
    /// great its weights are. Features with greater weights than 127 steps are kept in half precision, apart.
    Step(f32),
}

/// Arrays to be written.
#[derive(Default)]
pub(super) struct Writer {
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
}

impl Writer {
    pub fn bytes(&mut self, name: &str, data: &[u8]) {
        self.push(name, Dtype::U8, vec![data.len()], data.to_vec());
    }

    pub fn u32s(&mut self, name: &str, data: impl Iterator<Item = u32>) {
        let bytes: Vec<u8> = data.flat_map(u32::to_le_bytes).collect();
        self.push(name, Dtype::U32, vec![bytes.len() / 4], bytes);
    }

    /// Numbers that are mostly small, in the narrowest type that holds them all.
    pub fn narrow(&mut self, name: &str, data: &[u32]) {
        let shape = vec![data.len()];
        match data.iter().max().copied().unwrap_or(0) {
            0..=0xFF => self.push(name, Dtype::U8, shape, data.iter().map(|&n| n as u8).collect()),
            0x100..=0xFFFF => {
                self.push(name, Dtype::U16, shape, data.iter().flat_map(|&n| (n as u16).to_le_bytes()).collect());
            }
            _ => self.u32s(name, data.iter().copied()),
        }
    }

    pub fn f64s(&mut self, name: &str, data: &[f64]) {
        self.push(name, Dtype::F64, vec![data.len()], data.iter().flat_map(|x| x.to_le_bytes()).collect());
    }

    /// Weights, `classes` a row; rounded as asked for where all of them can be. A file that is read and written again stays as it is.
    pub fn weights(&mut self, name: &str, data: &[f32], classes: usize, rounding: Rounding) {
        let shape = vec![data.len() / classes.max(1), classes];
        let halves = |data: &[f32]| data.iter().flat_map(|&w| f16::from_f32(w).to_le_bytes()).collect();
        // Asked of the rounded weight: it may be infinite where the weight is not.
        let fits = rounding != Rounding::None && data.iter().all(|&w| f16::from_f32(w).is_finite());
        if let (Rounding::Step(step), true) = (rounding, fits) {
            let (mut steps, mut wide, mut wide_weights) = (Vec::with_capacity(data.len()), Vec::new(), Vec::new());
            for (i, weights) in (0u32..).zip(data.chunks_exact(classes.max(1))) {
                if weights.iter().all(|w| (w / step).round().abs() <= f32::from(i8::MAX)) {
                    steps.extend(weights.iter().map(|w| (w / step).round() as i8 as u8));
                } else {
                    steps.resize(steps.len() + classes, 0);
                    wide.push(i);
                    wide_weights.extend_from_slice(weights);
                }
            }
            // Where the step has to be small (a large factor of calibration), most features may stand apart: then nothing is won.
            if wide.len() * (4 + 2 * classes) >= data.len() {
                self.push(name, Dtype::F16, shape, halves(data));
                return;
            }
            self.push(name, Dtype::I8, shape, steps);
            self.push(&format!("{name}.step"), Dtype::F32, vec![1], step.to_le_bytes().to_vec());
            self.u32s(&format!("{name}.wide"), wide.iter().copied());
            self.push(&format!("{name}.wide_weights"), Dtype::F16, vec![wide.len(), classes], halves(&wide_weights));
        } else if fits {
            self.push(name, Dtype::F16, shape, halves(data));
        } else {
            self.push(name, Dtype::F32, shape, data.iter().flat_map(|w| w.to_le_bytes()).collect());
        }
    }

    fn push(&mut self, name: &str, dtype: Dtype, shape: Vec<usize>, bytes: Vec<u8>) {
        self.tensors.push((name.to_owned(), dtype, shape, bytes));
    }

    /// The whole file.
    pub fn finish(mut self, metadata: String) -> Result<Vec<u8>, String> {
        self.bytes(CHECKSUM, &[0; CHECKSUM_LEN]);
        let views: Vec<(&str, TensorView<'_>)> = self
            .tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                TensorView::new(*dtype, shape.clone(), bytes)
                    .map(|view| (name.as_str(), view))
                    .map_err(|e| e.to_string())
            })
            .collect::<Result<_, _>>()?;
        let metadata = HashMap::from([(KEY.to_owned(), metadata)]);
        let mut file = safetensors::serialize(views, Some(metadata)).map_err(|e| e.to_string())?;
        let body = file.len() - CHECKSUM_LEN;
        let checksum = blake3::hash(&file[..body]);
        file[body..].copy_from_slice(checksum.as_bytes());
        Ok(file)
    }
}

/// Why a file cannot be read as tensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It was never a file of this kind.
    Foreign,
    /// Its checksum is wrong: cut short or changed.
    Damaged,
    /// Its checksum is right and its content is not: made by something else.
    Malformed(String),
}

/// The arrays of a verified file.
pub(super) struct Reader<'a> {
    tensors: SafeTensors<'a>,
    metadata: String,
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a [u8]) -> Result<Self, Unreadable> {
        if !begins_well(file) {
            return Err(Unreadable::Foreign);
        }
        let body = file.len() - CHECKSUM_LEN.min(file.len());
        if blake3::hash(&file[..body]).as_bytes() != &file[body..] {
            return Err(Unreadable::Damaged);
        }
        let malformed = |e: safetensors::SafeTensorError| Unreadable::Malformed(e.to_string());
        let (_, header) = SafeTensors::read_metadata(file).map_err(malformed)?;
        let metadata = header.metadata().as_ref().and_then(|m| m.get(KEY)).cloned().unwrap_or_default();
        Ok(Reader { tensors: SafeTensors::deserialize(file).map_err(malformed)?, metadata })
    }

    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    fn tensor(&self, name: &str) -> Result<TensorView<'a>, String> {
        self.tensors.tensor(name).map_err(|_| format!("it has no {name:?}"))
    }

    fn of_type(&self, name: &str, dtype: Dtype) -> Result<&'a [u8], String> {
        let view = self.tensor(name)?;
        if view.dtype() == dtype { Ok(view.data()) } else { Err(format!("{name:?} is of type {:?}", view.dtype())) }
    }

    pub fn bytes(&self, name: &str) -> Result<&'a [u8], String> {
        self.of_type(name, Dtype::U8)
    }

    pub fn u32s(&self, name: &str) -> Result<Vec<u32>, String> {
        Ok(numbers(self.of_type(name, Dtype::U32)?, u32::from_le_bytes))
    }

    pub fn narrow(&self, name: &str) -> Result<Vec<u32>, String> {
        let view = self.tensor(name)?;
        match view.dtype() {
            Dtype::U8 => Ok(view.data().iter().map(|&n| u32::from(n)).collect()),
            Dtype::U16 => Ok(numbers(view.data(), |bytes| u32::from(u16::from_le_bytes(bytes)))),
            _ => self.u32s(name),
        }
    }

    pub fn f64s(&self, name: &str) -> Result<Vec<f64>, String> {
        finite(name, numbers(self.of_type(name, Dtype::F64)?, f64::from_le_bytes), |x| x.is_finite())
    }

    pub fn weights(&self, name: &str) -> Result<Vec<f32>, String> {
        let view = self.tensor(name)?;
        if view.dtype() == Dtype::I8 { self.stepped(name, &view) } else { self.floats(name) }
    }

    fn floats(&self, name: &str) -> Result<Vec<f32>, String> {
        let view = self.tensor(name)?;
        let weights = match view.dtype() {
            Dtype::F16 => numbers(view.data(), |bytes| widen(u16::from_le_bytes(bytes))),
            Dtype::F32 => numbers(view.data(), f32::from_le_bytes),
            other => return Err(format!("{name:?} is of type {other:?}")),
        };
        let most = if view.dtype() == Dtype::F16 { f16::MAX.to_f32() } else { f32::MAX };
        // A sum of truths has no branch; an early end would cost more than it saves.
        let sound = weights.iter().fold(true, |sound, w| sound & (w.abs() <= most));
        if sound { Ok(weights) } else { Err(format!("{name:?} holds a number that is not finite")) }
    }

    /// Weights that were written by [`Rounding::Step`].
    fn stepped(&self, name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, String> {
        let [step] = self.floats(&format!("{name}.step"))?[..] else {
            return Err(format!("{name:?} has more or less than one step"));
        };
        let mut weights: Vec<f32> = view.data().iter().map(|&byte| f32::from(byte as i8) * step).collect();
        let classes = view.shape().last().copied().unwrap_or_default();
        let (wide, own) = (self.u32s(&format!("{name}.wide"))?, self.floats(&format!("{name}.wide_weights"))?);
        if Some(own.len()) != wide.len().checked_mul(classes) {
            return Err(format!("{name:?} has {} weights apart, for {} features", own.len(), wide.len()));
        }
        for (&feature, own) in wide.iter().zip(own.chunks_exact(classes.max(1))) {
            let at = feature as usize * classes;
            let place =
                weights.get_mut(at..at + classes).ok_or_else(|| format!("{name:?} names a feature that is none"))?;
            place.copy_from_slice(own);
        }
        finite(name, weights, |x| x.is_finite())
    }
}

/// The number that these bits are in half precision; what is infinite there or none becomes one beyond all that half precision has.
///
/// The exponent is moved by a product, which mends numbers without a leading one on the way. No branch and no call: the compiler does many at once.
#[inline]
fn widen(bits: u16) -> f32 {
    let (sign, rest) = (u32::from(bits & 0x8000), u32::from(bits & 0x7FFF));
    let most = f32::from_bits(0x7780_0000); // 2^112: from a bias of 15 to one of 127
    f32::from_bits((f32::from_bits(rest << 13) * most).to_bits() | sign << 16)
}

fn numbers<const N: usize, T>(bytes: &[u8], from: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|chunk| from(*chunk)).collect()
}

fn finite<T>(name: &str, numbers: Vec<T>, is_finite: impl Fn(&T) -> bool) -> Result<Vec<T>, String> {
    if numbers.iter().all(is_finite) { Ok(numbers) } else { Err(format!("{name:?} holds a number that is not finite")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_widened_as_the_crate_does() {
        for bits in 0..=u16::MAX {
            let (half, wide) = (f16::from_bits(bits), widen(bits));
            match half.is_finite() {
                true => assert_eq!(wide.to_bits(), half.to_f32().to_bits(), "{bits:x}"),
                false => assert!(wide.abs() > f16::MAX.to_f32(), "{bits:x}"),
            }
        }
    }

    #[test]
    fn stepped_weights_are_off_by_half_a_step_and_great_ones_are_kept_apart() {
        let mut weights = vec![0.0, 0.1, -0.2479, 3.75, -0.001, 1e-7, 0.2, -0.2, 0.25, -65.5, 0.125, 0.0];
        weights.extend([0.01; 90]);
        let write = |weights: &[f32]| {
            let mut out = Writer::default();
            out.weights("w", weights, 3, Rounding::Step(1.0 / 512.0));
            out.finish("{}".to_owned()).unwrap()
        };
        let file = write(&weights);
        let found = Reader::new(&file).unwrap().weights("w").unwrap();
        assert_eq!((found[3], found[9], found.len()), (3.75, -65.5, weights.len()));
        assert!(found.iter().zip(&weights).all(|(a, b)| (a - b).abs() <= 1.0 / 1024.0), "{found:?}");
        assert_eq!(write(&found), file);
    }
}
