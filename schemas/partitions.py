"""Which partition a subject belongs to: murmur2 of its bytes, as every Java client computes it (D3)."""


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2 with the seed 0x9747b28c, as an unsigned integer (Appleby's MurmurHash2)."""
    length, m, mask = len(data), 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ length) & mask
    whole = length & ~3
    for at in range(0, whole, 4):
        k = (int.from_bytes(data[at : at + 4], "little") * m) & mask
        k = ((k ^ (k >> 24)) * m) & mask
        h = ((h * m) & mask) ^ k
    if tail := data[whole:]:
        h = ((h ^ int.from_bytes(tail, "little")) * m) & mask
    h = ((h ^ (h >> 13)) * m) & mask
    return h ^ (h >> 15)


EVERYWHERE = "#"
"""The subject that addresses every partition: whoever sends to it need not know how many there are (D5)."""


def reserved(partition: int) -> str:
    """The subject that addresses one partition rather than one customer (D6)."""
    return f"#{partition}"


def partition_of(subject: str, partitions: int) -> int:
    """The partition of a subject, out of `partitions`; a reserved subject names its own."""
    if subject.startswith("#"):
        return int(subject[1:])
    return (murmur2(subject.encode()) & 0x7FFFFFFF) % partitions
