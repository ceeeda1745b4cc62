//! Files that appear whole or not at all: written beside their place, then moved into it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use armorer_guard_core::record;

/// A file on its way to its place. Dropped without [`Whole::commit`] it leaves nothing.
pub(crate) struct Whole {
    place: PathBuf,
    beside: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Whole {
    /// Starts a file that shall stand at `place`; a link there is followed. What stands there already gives its
    /// permissions and its owner.
    pub(crate) fn start(place: &Path) -> io::Result<Self> {
        let place = match fs::canonicalize(place) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => place.to_owned(),
            Err(error) => return Err(error),
        };
        // A name of its own length: one made from the file's could be too long.
        let beside = place.with_file_name(format!(".armorer-guard-{}.tmp", record::new_id()));
        let old = match fs::metadata(&place) {
            Ok(old) if old.is_file() => Some(old),
            Ok(_) => return Err(io::Error::other("it is not a regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if old.is_some() {
            use std::os::unix::fs::OpenOptionsExt as _;
            // Nobody else reads what an unreadable file is made of before it has its permissions.
            options.mode(0o600);
        }
        let file = options.open(&beside)?;
        let whole = Self {
            place,
            beside,
            file: Some(BufWriter::new(file)),
        };
        if let (Some(old), Some(file)) = (old, &whole.file) {
            hand_over(file.get_ref(), &old)?;
        }
        Ok(whole)
    }

    /// Moves the file into its place, once it is on the disk.
    pub(crate) fn commit(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            fs::rename(&self.beside, &self.place)?;
            self.beside = PathBuf::new();
        }
        Ok(())
    }
}

/// Puts a file at `place` in one go.
pub(crate) fn write(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Whole::start(place)?;
    file.write_all(bytes)?;
    file.commit()
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::Error::from(io::ErrorKind::BrokenPipe)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if !self.beside.as_os_str().is_empty() {
            drop(self.file.take());
            let _ = fs::remove_file(&self.beside);
        }
    }
}

/// Gives the new file the owner and the permissions of the old one.
fn hand_over(file: &File, old: &fs::Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let new = file.metadata()?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            fchown(file, Some(old.uid()), Some(old.gid()))?;
        }
    }
    file.set_permissions(old.permissions())
}
