//! Tensors to bytes and back: the container of the model file.
//!
//! Flows in: named arrays and one string of metadata. Flows out: a `safetensors` file, which holds data and no code and can be read from Python. Its last 32 bytes
//! are the BLAKE3 checksum of everything before them (the tensor `zz_blake3`, which the format's order of tensors puts last), so a reader can verify the file before it believes a single length in it.

use std::collections::HashMap;

use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::linear::Weights;

/// Name of the one metadata key; with more than one their order would be that of a hash map.
const KEY: &str = "rapporteur";
const CHECKSUM: &str = "zz_blake3";
const CHECKSUM_LEN: usize = 32;
/// How every file of this kind begins, after eight bytes of length.
const BEGINNING: &[u8] = br#"{"__metadata__":{"rapporteur":"#;
/// In place of a weight of eight bits: it is kept apart, in sixteen.
const APART: i8 = i8::MIN;
const LARGEST_WEIGHT: f32 = 1e30;
/// Units that a step has at most: products with eight bits stay within sixteen.
const MOST_UNITS: f32 = 256.0;
/// Bytes by which [`begins_well`] knows a file.
pub(super) const BEGINNING_BYTES: u64 = 8 + BEGINNING.len() as u64;

/// True for bytes that begin as a file of this kind.
pub(super) fn begins_well(file: &[u8]) -> bool {
    file.get(8..).is_some_and(|rest| rest.starts_with(BEGINNING))
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

    /// Weights, `classes` a row, as they are: narrow ones that are multiples of `step` in eight bits and the others apart; wide ones in half precision where that is exact.
    pub fn weights(&mut self, name: &str, weights: &Weights, classes: usize, step: f32) {
        let shape = vec![weights.len() / classes.max(1), classes];
        match weights {
            Weights::Wide(weights) if weights.iter().all(|&w| f16::from_f32(w).to_f32().to_bits() == w.to_bits()) => {
                let bytes = weights.iter().flat_map(|&w| f16::from_f32(w).to_le_bytes()).collect();
                self.push(name, Dtype::F16, shape, bytes);
            }
            Weights::Wide(weights) => self.floats(name, shape, weights),
            Weights::Narrow { cells, unit } => {
                // Both are powers of two. Of a file whose calibration was altered, the step may not be one that its units can have.
                let units = (step / unit).clamp(1.0, MOST_UNITS) as i16;
                let step = f32::from(units) * unit;
                let most = units.saturating_mul(i16::from(i8::MAX));
                let mut apart = Vec::new();
                let steps = cells.iter().map(|&n| match (-most..=most).contains(&n) && n % units == 0 {
                    true => (n / units) as i8 as u8,
                    false => {
                        apart.push(n);
                        APART as u8
                    }
                });
                self.push(name, Dtype::I8, shape, steps.collect());
                self.push(&format!("{name}.step"), Dtype::F32, vec![1], step.to_le_bytes().to_vec());
                self.push(&format!("{name}.unit"), Dtype::F32, vec![1], unit.to_le_bytes().to_vec());
                let bytes = apart.iter().flat_map(|n| n.to_le_bytes()).collect();
                self.push(&format!("{name}.apart"), Dtype::I16, vec![apart.len()], bytes);
            }
        }
    }

    /// Numbers as they are.
    pub fn floats(&mut self, name: &str, shape: Vec<usize>, data: &[f32]) {
        self.push(name, Dtype::F32, shape, data.iter().flat_map(|w| w.to_le_bytes()).collect());
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
        if blake3::Hasher::new().update_rayon(&file[..body]).finalize().as_bytes() != &file[body..] {
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

    pub fn weights(&self, name: &str) -> Result<Weights, String> {
        let view = self.tensor(name)?;
        if view.dtype() == Dtype::I8 {
            return self.stepped(name, &view);
        }
        let weights = self.floats(name)?;
        // A row's sum of such weights cannot leave the range of their type.
        match weights.iter().fold(true, |sound, w| sound & (w.abs() <= LARGEST_WEIGHT)) {
            true => Ok(Weights::Wide(weights)),
            false => Err(format!("{name:?} holds a weight that is out of range")),
        }
    }

    /// Numbers of half or single precision.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>, String> {
        let view = self.tensor(name)?;
        let numbers = match view.dtype() {
            Dtype::F16 => numbers(view.data(), |bytes| widen(u16::from_le_bytes(bytes))),
            Dtype::F32 => numbers(view.data(), f32::from_le_bytes),
            other => return Err(format!("{name:?} is of type {other:?}")),
        };
        let most = if view.dtype() == Dtype::F16 { f16::MAX.to_f32() } else { f32::MAX };
        // A sum of truths has no branch; an early end would cost more than it saves.
        let sound = numbers.iter().fold(true, |sound, w| sound & (w.abs() <= most));
        if sound { Ok(numbers) } else { Err(format!("{name:?} holds a number that is not finite")) }
    }

    /// Weights in steps, and those kept apart: in units one by one, or up to format 2 in half precision and row by row.
    fn stepped(&self, name: &str, view: &TensorView<'_>) -> Result<Weights, String> {
        let step = self.one(&format!("{name}.step"))?;
        if !self.has(&format!("{name}.apart")) {
            let mut weights: Vec<f32> = view.data().iter().map(|&byte| f32::from(byte as i8) * step).collect();
            self.replace_rows(name, &mut weights, view.shape().last().copied().unwrap_or_default())?;
            return finite(name, weights, |x| x.is_finite()).map(Weights::Wide);
        }
        let unit = self.one(&format!("{name}.unit"))?;
        let units = step / unit;
        // No product below can leave sixteen bits, and no sum of weights the range of its type.
        if !(1.0..=MOST_UNITS).contains(&units) || units.fract() != 0.0 || !(1e-30..1e30).contains(&unit) {
            return Err(format!("{name:?} has a step of {step} in units of {unit}"));
        }
        let units = units as i16;
        let mut cells: Vec<i16> = view.data().iter().map(|&byte| i16::from(byte as i8).saturating_mul(units)).collect();
        let mut apart = numbers(self.of_type(&format!("{name}.apart"), Dtype::I16)?, i16::from_le_bytes).into_iter();
        for at in memchr::memchr_iter(APART as u8, view.data()) {
            cells[at] = apart.next().ok_or_else(|| format!("{name:?} has too few weights apart"))?;
        }
        if apart.next().is_some() {
            return Err(format!("{name:?} has too many weights apart"));
        }
        Ok(Weights::Narrow { cells, unit })
    }

    /// Puts the rows that are kept apart, up to format 2, in their places.
    fn replace_rows(&self, name: &str, weights: &mut [f32], classes: usize) -> Result<(), String> {
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
        Ok(())
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    fn one(&self, name: &str) -> Result<f32, String> {
        match self.floats(name)?[..] {
            [one] => Ok(one),
            _ => Err(format!("{name:?} is more or less than one number")),
        }
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
    fn weights_come_back_as_they_were() {
        let step = 1.0 / 512.0;
        let cells = vec![0, 64, -127 * 8, 8, 0, 16, 30_000, -1, 9, 127 * 8 + 8, -8, 0];
        let narrow = Weights::Narrow { cells, unit: step / 8.0 };
        for weights in [narrow, Weights::Wide(vec![0.5, -65_504.0, 0.125]), Weights::Wide(vec![0.1, -1e9, 1e-30])] {
            let write = |weights: &Weights| {
                let mut out = Writer::default();
                out.weights("w", weights, 3, step);
                out.finish("{}".to_owned()).unwrap()
            };
            let file = write(&weights);
            assert_eq!(Reader::new(&file).unwrap().weights("w").unwrap(), weights);
        }
    }

    #[test]
    fn a_step_that_units_cannot_have_is_not_written() {
        // Found by fuzzing: the factor of calibration in a file was altered, and with it the step that weights were to be written in.
        let weights = Weights::Narrow { cells: vec![0, 3, -200, 20_000], unit: 1.0 / 4096.0 };
        for step in [2f32.powi(-20), 2f32.powi(-12), 2f32.powi(-3), 2f32.powi(9)] {
            let mut out = Writer::default();
            out.weights("w", &weights, 2, step);
            let file = out.finish("{}".to_owned()).unwrap();
            assert_eq!(Reader::new(&file).unwrap().weights("w").unwrap(), weights, "{step}");
        }
    }
}
