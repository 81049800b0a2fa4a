//! The eight tile registers, by their instructions: stable Rust has no functions for them yet.

use std::arch::asm;

/// Bytes of a row of a tile.
pub const LINE: usize = 64;

/// The shapes of the tiles, as `ldtilecfg` reads them: sums in tiles 0 to 3, weights in 4, digits of
/// inputs in 5 to 7.
#[repr(C, align(64))]
pub struct Shapes {
    palette: u8,
    start: u8,
    reserved: [u8; 14],
    /// Bytes of a row.
    bytes: [u16; 16],
    rows: [u8; 16],
}

impl Shapes {
    /// For `height` rows of outputs, of up to 16, that read `depth` quads, of up to 16, at a time.
    pub fn new(height: usize, depth: usize) -> Self {
        assert!((1..=16).contains(&height) && (1..=16).contains(&depth));
        let mut out =
            Self { palette: 1, start: 0, reserved: [0; 14], bytes: [0; 16], rows: [0; 16] };
        for tile in 0..8 {
            let (rows, bytes) = match tile {
                0..4 => (height, LINE),
                4 => (height, 4 * depth),
                _ => (depth, LINE),
            };
            (out.rows[tile], out.bytes[tile]) = (rows as u8, bytes as u16);
        }
        out
    }
}

/// The tiles in use, until it is dropped: a processor that holds none saves less where it changes
/// threads, and power.
pub struct Tiles(());

impl Tiles {
    /// Gives the tiles their shapes.
    ///
    /// # Safety
    /// The processor has tiles, and this thread holds no other [`Tiles`].
    #[inline(always)]
    pub unsafe fn new(shapes: &Shapes) -> Self {
        // SAFETY: 64 bytes are read; the compiler uses no tiles.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) shapes, options(nostack, preserves_flags, readonly))
        };
        Self(())
    }

    /// Sums of products of weights and the four digits of inputs: `[digit][row][column]` at `sums`.
    ///
    /// # Safety
    /// At `inputs` there are quads of 256 bytes, as many as the shapes' depth from each of `steps`; at
    /// `weights` as many tiles of `height` lines as there are steps, and at `sums` there is room for four
    /// tiles of 16 lines.
    #[inline(always)]
    pub unsafe fn multiply(
        &self,
        steps: &[u32],
        inputs: *const u32,
        weights: *const i8,
        height: usize,
        sums: *mut i32,
    ) {
        let range = steps.as_ptr_range();
        // SAFETY: reads and writes what the caller promises, and tiles.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "cmp {step}, {end}",
                "je 3f",
                "2:",
                "mov {at:e}, dword ptr [{step}]",
                "shl {at}, 8",
                "add {at}, {inputs}",
                "tileloadd tmm4, [{weights} + {line}*1]",
                "tileloadd tmm5, [{at} + {quad}*1]",
                "tdpbsud tmm0, tmm4, tmm5",
                "tileloadd tmm6, [{at} + {quad}*1 + 64]",
                "tdpbsud tmm1, tmm4, tmm6",
                "tileloadd tmm7, [{at} + {quad}*1 + 128]",
                "tdpbsud tmm2, tmm4, tmm7",
                "tileloadd tmm5, [{at} + {quad}*1 + 192]",
                "tdpbsud tmm3, tmm4, tmm5",
                "add {weights}, {tile}",
                "add {step}, 4",
                "cmp {step}, {end}",
                "jne 2b",
                "3:",
                "tilestored [{sums} + {line}*1], tmm0",
                "tilestored [{sums} + {line}*1 + 1024], tmm1",
                "tilestored [{sums} + {line}*1 + 2048], tmm2",
                "tilestored [{sums} + {line}*1 + 3072], tmm3",
                step = inout(reg) range.start => _,
                end = in(reg) range.end,
                at = out(reg) _,
                inputs = in(reg) inputs,
                weights = inout(reg) weights => _,
                tile = in(reg) height * LINE,
                sums = in(reg) sums,
                line = in(reg) LINE,
                quad = in(reg) 4 * LINE,
                options(nostack),
            );
        }
    }
}

impl Drop for Tiles {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: there are tiles, since this exists.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) };
    }
}
