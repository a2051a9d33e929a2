//! Parquet's "RLE / bit-packed hybrid": runs of one number as that number and its count, all others bit by bit.

/// A run shorter than this is not worth its header; bit-packed numbers come in groups of so many.
const GROUP: usize = 8;

/// Appends numbers of at most `width` bits.
pub fn encode(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    // Numbers from `packed` to `at` wait to be bit-packed: whole groups, so that a run may follow.
    let (mut packed, mut at) = (0, 0);
    while at < numbers.len() {
        let run = run_length(&numbers[at..]);
        if run < GROUP {
            at = (at + GROUP).min(numbers.len());
            continue;
        }
        pack(&numbers[packed..at], width, out);
        repeat(numbers[at], run, width, out);
        at += run;
        packed = at;
    }
    pack(&numbers[packed..], width, out);
}

fn run_length(numbers: &[u32]) -> usize {
    numbers.iter().take_while(|number| **number == numbers[0]).count()
}

fn repeat(number: u32, times: usize, width: u32, out: &mut Vec<u8>) {
    varint((times as u64) << 1, out);
    out.extend_from_slice(&number.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// The last group is filled with zeros.
fn pack(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(GROUP);
    varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    let (mut bits, mut held) = (0u64, 0);
    for &number in numbers {
        bits |= u64::from(number) << held;
        held += width;
        if held >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            held -= 32;
        }
    }
    // At most 31 bits are left; where there are fewer bytes to go than four, the rest is zeros.
    out.extend_from_slice(&(bits as u32).to_le_bytes());
    out.resize(end, 0);
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// As the format's documentation has it, one bit after the other.
    fn decode(bytes: &[u8], width: u32, length: usize) -> Vec<u32> {
        let mut numbers = Vec::new();
        let mut bytes = bytes.iter().copied();
        while let Some(header) = read_varint(&mut bytes) {
            let count = (header >> 1) as usize;
            if header & 1 == 0 {
                let value = (0..width.div_ceil(8)).map(|i| u32::from(bytes.next().unwrap()) << (8 * i)).sum::<u32>();
                numbers.extend(std::iter::repeat_n(value, count));
            } else {
                let packed: Vec<u8> = bytes.by_ref().take(count * width as usize).collect();
                assert_eq!(packed.len(), count * width as usize);
                let bit = |at: usize| u32::from(packed[at / 8] >> (at % 8) & 1);
                let number = |n: usize| (0..width as usize).map(|i| bit(n * width as usize + i) << i).sum::<u32>();
                numbers.extend((0..count * GROUP).map(number));
            }
        }
        assert!(numbers.len() < length + GROUP && numbers[length..].iter().all(|&padding| padding == 0));
        numbers.truncate(length);
        numbers
    }

    fn read_varint(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
        let mut number = 0;
        for shift in (0..).step_by(7) {
            let byte = bytes.next()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Some(number)
    }

    proptest! {
        #[test]
        fn runs_and_single_numbers_are_read_back(runs in vec((any::<u32>(), 1..40usize), 0..20), width in 1..=32u32) {
            let fits = |number: u32| number & (u32::MAX >> (32 - width));
            let numbers: Vec<u32> =
                runs.into_iter().flat_map(|(number, times)| std::iter::repeat_n(fits(number), times)).collect();
            let mut bytes = Vec::new();
            encode(&numbers, width, &mut bytes);
            prop_assert_eq!(decode(&bytes, width, numbers.len()), numbers);
        }
    }

    #[test]
    fn a_run_costs_its_header_and_one_value() {
        let mut bytes = Vec::new();
        encode(&[5; 60_000], 3, &mut bytes);
        assert_eq!(bytes.len(), 4);
    }
}
