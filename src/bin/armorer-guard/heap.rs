//! Where small values of this program lie: a hook makes some hundred of them in a millisecond, and the C library takes a
//! tenth of its time for that.
//!
//! Blocks of one size are handed out again as soon as they are given back, so few pages are touched. Only the first thread
//! takes part; everything else, and what is large, is the C library's.
#![expect(
    unsafe_code,
    reason = "an allocator cannot be written without; each block gives its argument"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};
use std::ptr::null_mut;

/// How many bytes there are. What is never used of them costs nothing.
const ROOM: usize = 1 << 20;
/// Blocks are as large as a multiple of this, and lie at one.
const STEP: usize = 16;
/// The largest block.
const LARGEST: usize = 1024;
const SIZES: usize = LARGEST / STEP;

#[global_allocator]
static HEAP: Heap = Heap {
    used: Cell::new(0),
    free: [const { Cell::new(null_mut()) }; SIZES],
    room: Room(UnsafeCell::new([0; ROOM])),
};

thread_local! {
    /// Whether this is the thread that the heap belongs to.
    static OWNS: Cell<bool> = const { Cell::new(false) };
}

/// From here on this thread, which must be the first, makes its small values itself.
pub(super) fn take() {
    // Written before it is read: a page that was only read is given twice. Nothing was handed out so far.
    HEAP.free[0].set(null_mut());
    OWNS.set(true);
}

/// What tells of the blocks lies in one page with the first of them.
#[repr(C, align(4096))]
struct Heap {
    /// How many bytes were handed out.
    used: Cell<usize>,
    /// By size: the block that was given back last; each holds the address of the one before.
    free: [Cell<*mut u8>; SIZES],
    room: Room,
}

#[repr(align(16))]
struct Room(UnsafeCell<[u8; ROOM]>);

/// The room begins at a multiple of [`STEP`], as its blocks do.
const _: () = assert!(align_of::<Room>() == STEP);

// SAFETY: only the thread that owns it looks at anything in it; see `Heap::class`.
unsafe impl Sync for Heap {}

impl Heap {
    /// Which blocks such a value takes; `None` for what is the C library's.
    #[inline]
    fn class(layout: Layout) -> Option<usize> {
        let fits = layout.size() <= LARGEST && layout.align() <= STEP && layout.size() > 0;
        (fits && OWNS.get()).then(|| (layout.size() - 1) / STEP)
    }

    /// Whether a block lies here.
    #[inline]
    fn holds(&self, block: *mut u8) -> bool {
        block.addr().wrapping_sub(self.room.0.get().addr()) < ROOM
    }

    /// A block of that size that nobody had before.
    #[inline]
    fn fresh(&self, size: usize) -> Option<*mut u8> {
        let start = self.used.get();
        let end = start + size;
        if end > ROOM {
            return None;
        }
        self.used.set(end);
        // SAFETY: `start` lies within the room.
        Some(unsafe { self.room.0.get().cast::<u8>().add(start) })
    }
}

// SAFETY: a block is handed out once until it is given back, is at least as large as it was asked for, since sizes are
// rounded up to the class, and lies at a multiple of `STEP`. Blocks of the room go back to their class, which follows from
// the layout that came with them; all others are the C library's, which is asked about them as it handed them out. Never
// inlined: at each place where something is allocated it would make the program larger by an eighth.
unsafe impl GlobalAlloc for Heap {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(class) = Self::class(layout) {
            let block = self.free[class].get();
            if !block.is_null() {
                // SAFETY: a block that was given back holds the address of the one before.
                self.free[class].set(unsafe { block.cast::<*mut u8>().read() });
                return block;
            }
            if let Some(block) = self.fresh((class + 1) * STEP) {
                return block;
            }
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LARGEST {
            // SAFETY: as the caller promises.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: as the caller promises; the block has at least that size.
        unsafe {
            let block = self.alloc(layout);
            if !block.is_null() {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if !self.holds(block) {
            // SAFETY: it is the C library's.
            return unsafe { System.dealloc(block, layout) };
        }
        // What another thread gives back stays where it is.
        if let Some(class) = Self::class(layout) {
            // SAFETY: it is ours, nobody uses it any more, and the smallest block has room for an address.
            unsafe { block.cast::<*mut u8>().write(self.free[class].get()) };
            self.free[class].set(block);
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let held = self.holds(block);
        if !held && (size > LARGEST || Self::class(layout).is_none()) {
            // SAFETY: it is the C library's.
            return unsafe { System.realloc(block, layout, size) };
        }
        if held && size.div_ceil(STEP) == layout.size().div_ceil(STEP) {
            return block;
        }
        // SAFETY: as the caller promises; both blocks have at least the size that is copied, and they lie apart.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}
