"""A store on disk: one RocksDB per partition."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from rocksdict import AccessType, BlockBasedOptions, Cache, Options, Rdict, WriteBatch

from state.store import Size, StoreError, StoreInUseError

MEMTABLE_BYTES = 8 << 20
"""What one partition may have in memory of rows that are not on disk yet."""
CACHE_BYTES = 32 << 20
"""What a process may have in memory of rows that are on disk, however many partitions it has."""
FILTER_BITS = 6
"""Of each row on disk, in memory. A filter errs for one of 18 rows that are not there; with 10, which is usual, for one of a
hundred, and reads took as long (tried with a million customers)."""
PROPERTIES = ("estimate-num-keys", "total-sst-files-size", "cur-size-all-mem-tables")
_blocks = Cache(CACHE_BYTES)


class RocksStore:
    """The rows of one partition in RocksDB. `read_only` opens a copy that another process is writing.

    What RocksDB calls damaged is marked so beside its folder: it is a copy, and `is_damaged` tells to make a new one.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        options = Options(raw_mode=True)
        options.create_if_missing(not read_only)
        # A worker owns many partitions: bounded logs, small memtables and one small cache keep a million customers under
        # 600 MB, and as many megabytes after a day as after an hour. Twice the size of either is no faster (tried).
        options.set_write_buffer_size(MEMTABLE_BYTES)
        blocks = BlockBasedOptions()
        blocks.set_block_cache(_blocks)
        # Four of five rows that a new order asks for are not there. Without filters each was looked for in every level.
        blocks.set_bloom_filter(FILTER_BITS, block_based=False)
        options.set_block_based_table_factory(blocks)
        options.set_keep_log_file_num(2)
        # Who only reads holds every file from the start: the worker that owns them may remove any at any time.
        options.set_max_open_files(-1 if read_only else 256)
        path.parent.mkdir(parents=True, exist_ok=True)
        access = AccessType.read_only() if read_only else AccessType.read_write()
        self._path, self._mark = path, None if read_only else _mark(path)
        try:
            # Named for its rows too: else what is opened again has the library's reading of its options, without filters.
            self._db = Rdict(str(path), options, column_families={"default": options}, access_type=access)
        except Exception as error:
            raise self._told(error) from error

    def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        try:
            value: bytes | None = self._db.get(key)
        except Exception as error:
            raise self._told(error) from error
        return value

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """See `Store.write`."""
        batch = WriteBatch(raw_mode=True)
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        try:
            self._db.write(batch)
        except Exception as error:
            raise self._told(error) from error

    def scan(self, start: bytes = b"", stop: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """See `Store.scan`."""
        cursor = self._db.iter()
        cursor.seek(start)
        while cursor.valid():
            key = cursor.key()
            if stop is not None and key >= stop:
                return
            yield key, cursor.value()
            cursor.next()
        try:
            cursor.status()  # whether it came to the end, or could not go on
        except Exception as error:
            raise self._told(error) from error

    def size(self) -> Size:
        """See `Store.size`."""
        try:
            rows, files, memory = (int(self._db.property_int_value(f"rocksdb.{name}")) for name in PROPERTIES)
        except Exception as error:
            raise self._told(error) from error
        return Size(rows, files + memory)

    def close(self) -> None:
        """See `Store.close`."""
        self._db.close()

    def _told(self, error: Exception) -> StoreError:
        if self._mark is not None and any(sign in str(error) for sign in ("Corruption", "No such file")):
            self._mark.touch()
        if "While lock file" in str(error):  # said of other processes' locks only
            return StoreInUseError(f"{self._path}: {error}")
        return StoreError(f"{self._path}: {error}")


def is_damaged(path: Path) -> bool:
    """Whether a store's files were found damaged since they were made."""
    return _mark(path).exists()


def destroy(path: Path) -> None:
    """Remove a store's files; nothing happens where there are none."""
    shutil.rmtree(path, ignore_errors=True)
    _mark(path).unlink(missing_ok=True)


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")
