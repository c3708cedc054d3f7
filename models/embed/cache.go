package embed

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// Key names one cached value by the hash of all that it depends on.
type Key [sha256.Size]byte

// KeyOf hashes the parts; their lengths keep them apart.
func KeyOf(parts ...string) Key {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s\n", len(p), p)
	}
	return Key(h.Sum(nil))
}

const (
	cacheName = "embeddings.cache"
	// cacheMagic opens the file; another version starts a new one.
	cacheMagic = "gourdian embeddings 1\n"
	// cacheMost is the size at which a cache is started anew, in bytes: about
	// 100,000 pictures in four views.
	cacheMost = 2 << 30
	valueMost = 1 << 20
	// recordHead is key, length and CRC-32C of a value.
	recordHead = sha256.Size + 4 + 4
)

// Cache keeps embeddings in one file that is only ever appended to: for each
// value its key, its length, its CRC-32C and its bytes. A torn or damaged end,
// as a kill leaves it, is dropped when the file is opened. Two trainings may
// use one cache: each record is one write. One goroutine may use a Cache.
type Cache struct {
	file  *os.File
	index map[Key]place
}

type place struct {
	offset int64
	length int
}

// OpenCache opens the cache in a folder, which is made where it is missing.
func OpenCache(dir string) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open cache of embeddings: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, cacheName), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open cache of embeddings: %w", err)
	}
	c := &Cache{file: file, index: map[Key]place{}}
	if err := c.load(); err != nil {
		file.Close()
		return nil, fmt.Errorf("open cache of embeddings %s: %w", file.Name(), err)
	}
	return c, nil
}

// Close closes the file.
func (c *Cache) Close() error { return c.file.Close() }

// Get returns the value of a key that was in the file when it was opened.
func (c *Cache) Get(key Key) ([]byte, bool) {
	p, ok := c.index[key]
	if !ok {
		return nil, false
	}
	value := make([]byte, p.length)
	if _, err := c.file.ReadAt(value, p.offset); err != nil {
		return nil, false
	}
	return value, true
}

// Put appends a value; Get sees it after the next opening.
func (c *Cache) Put(key Key, value []byte) error {
	if len(value) > valueMost {
		return fmt.Errorf("cache an embedding: %d bytes, at most %d", len(value), valueMost)
	}
	record := make([]byte, 0, recordHead+len(value))
	record = append(record, key[:]...)
	record = binary.LittleEndian.AppendUint32(record, uint32(len(value)))
	record = binary.LittleEndian.AppendUint32(record, checksum(key, value))
	record = append(record, value...)
	if _, err := c.file.Write(record); err != nil {
		return fmt.Errorf("cache an embedding: %w", err)
	}
	return nil
}

// load reads the index and cuts off what cannot be read.
func (c *Cache) load() error {
	info, err := c.file.Stat()
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(io.NewSectionReader(c.file, 0, info.Size()), 1<<20)
	magic := make([]byte, len(cacheMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != cacheMagic || info.Size() > cacheMost {
		if err := c.file.Truncate(0); err != nil {
			return err
		}
		_, err := c.file.WriteString(cacheMagic)
		return err
	}
	good := readRecords(in, func(key Key, p place) { c.index[key] = p })
	if good < info.Size() {
		return c.file.Truncate(good)
	}
	return nil
}

// readRecords calls found for each whole record behind the magic and returns
// where the first record starts that is none.
func readRecords(in io.Reader, found func(Key, place)) int64 {
	at := int64(len(cacheMagic))
	head := make([]byte, recordHead)
	var value bytes.Buffer
	for {
		if _, err := io.ReadFull(in, head); err != nil {
			return at
		}
		length := binary.LittleEndian.Uint32(head[sha256.Size:])
		if length > valueMost {
			return at
		}
		value.Reset()
		if _, err := io.CopyN(&value, in, int64(length)); err != nil {
			return at
		}
		key := Key(head[:sha256.Size])
		if checksum(key, value.Bytes()) != binary.LittleEndian.Uint32(head[sha256.Size+4:]) {
			return at
		}
		found(key, place{at + recordHead, int(length)})
		at += recordHead + int64(length)
	}
}

func checksum(key Key, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(key[:], table), table, value)
}
