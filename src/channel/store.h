/* A store of keys and values in shared memory, for any number of readers and for one writer at a time. It
** makes no system call: the caller holds a lock while it writes, and views the memory.
**
** The memory is words, space, the buckets' bits, links and blocks. A block has 128 bytes, two cache lines. An
** entry (a key with its value) is a list of blocks: the first has the entry's fields and the start of its
** bytes, the others have the rest. Since all blocks are alike, memory does not fragment: an entry fits if
** there are enough free blocks. Space and links are for writers alone.
**
** There are as many buckets as blocks. The bucket of a key is chosen by the key's hash. It is a word of the
** block that has its number, and contains the number of the first entry of a list of entries; 0 ends each
** list. The bucket does not belong to the entry in that block. But a writer puts an entry into free blocks as
** near as possible to its bucket, from the bucket's block on. So a reader finds most entries in the page of
** their buckets, and many in the same cache lines, and no index takes room in the caches. If a
** quarter of the blocks are free, four of five entries are in the page, however often they were set.
**
** A reader that goes through all buckets skips those whose bit is 0. A writer sets a bucket's bit before it
** puts the first entry there, and clears it after it has removed the last one. A writer that dies between two
** steps leaves a bit of 1, which costs such a reader one more step.
**
** The space has a bit for each block: 1 if it is taken. Each higher level has a bit for each word of 64 bits
** of the level below: 1 if all of the word's bits are 1. So a free block is found in a few steps. The word
** `loose` leads to a list of blocks that belong to no entry though their bits are 1. A writer puts each block
** that it takes in front of this list. If the writer dies, the blocks stay there. The next writers free them,
** some in each call, so that none of them holds the lock for long. A writer that needs more free blocks at
** once frees as many as it needs. The list has its count of blocks in `loose`; the link of its last block has
** no meaning.
**
** A published entry never changes, but for its links. A writer replaces it:
**   1. The writer takes free blocks, which are loose then. It sets their versions to 0, writes the entry
**      there, and sets its version. No version is given twice.
**   2. It counts the change in `changes`, and writes what is still to change (about ten words: links,
**      counters) to the journal, and then the journal's length. From this moment the change is made, whatever
**      happens to the writer.
**   3. It carries out the journal: first the link of the bucket's list, by which readers find the new
**      entry; then the old entry's version, which becomes 0; then the rest. Now the old entry's blocks are
**      the first loose ones, and the new one's are not loose.
**   4. It sets the journal's length to 0, and then frees the old entry's blocks: it clears the first loose
**      block's bit, takes the block out of the list, and does the same with the next one.
** A writer that finds a journal carries it out first, and then frees loose blocks (fm_store_recover). Each of
** the journal's words has an absolute value, so that doing it twice does no harm. A writer that died before 2
** changed only blocks that are free or loose. Of the loose blocks only the first one's bit can be 0, as its
** writer died before it set the bit, or after it cleared it. The next writer frees this block first.
**
** A reader goes along a bucket's list:
**   1. It reads a link, then the version of the entry there.
**   2. It reads the link again, and the version of the entry that the link is in. Both must be as before.
**      So at this moment the entry of that version was in the list.
**   3. It copies the bytes, and reads the version once more. If it is the same, the copy is whole.
** If something differs, a writer was there, and the reader begins again.
**
** A reader of the counts reads them twice, between two readings of `changes`. Between the two it counts the
** entries in the heap that have expired. A value in a journal that has a length replaces that of its word. If
** nothing differs, the counts are those of one moment, also if a writer died during its change.
**
** Entries are also in a list by the time of their writing, the oldest first. The store that evicts removes
** them in this order. The entries that expire are also in a heap (store_expiry.h).
**
** To clear the store takes one change: entries up to the last version count as absent from then on. Their
** blocks, and those of entries that have expired, are freed one entry at a time, when blocks are needed. So
** no call holds the lock for longer than its own value takes.
**
** Every number from shared memory is checked before it is used: FM_CORRUPT. */
#ifndef FILEMAP_STORE_H
#define FILEMAP_STORE_H

#include "../system/system.h"

FM_BEGIN_HIDDEN

enum { FM_STORE_BLOCK = 128, FM_STORE_JOURNAL = 40, FM_STORE_LEVELS = 6 };

typedef struct fm_store_write {
  fm_word64 place; /* in bytes from the start of the words; the lowest bit: the word has 8 bytes, not 4 */
  fm_word64 value;
} fm_store_write;

/* Words of two numbers have the first one in the lower half. So one write of the journal changes both. */
typedef struct fm_store_words {
  fm_word64 cleared;   /* entries of this version and of older ones are absent. Readers read only this */
  uint32_t unused[14];
  fm_word64 version;   /* the last one that was given */
  fm_word64 loose;     /* the first block of the list of loose ones, and their count; 0 if there are none */
  fm_word64 entries;   /* the count of those that are not cleared, and the count of blocks of all */
  fm_word64 ages;      /* the oldest entry, and the newest */
  fm_word64 rest;      /* the count of blocks of cleared entries, and of entries in the heap */
  fm_word32 journal_length;
  fm_word32 changes;   /* how many have begun */
  uint32_t unused_2[4];
  fm_store_write journal[FM_STORE_JOURNAL];
} fm_store_words;

_Static_assert(sizeof(fm_store_words) == 128 + FM_STORE_JOURNAL * 16,
               "32- and 64-bit processes use the same layout");

/* Which blocks are taken, for the writer. The highest level has one word. */
typedef struct fm_space {
  fm_word64 *levels[FM_STORE_LEVELS];
  uint32_t bits[FM_STORE_LEVELS]; /* how many bits a level has */
  uint32_t level_count;
} fm_space;

typedef struct fm_store {
  fm_store_words *words;
  fm_space space;
  fm_word64 *buckets;     /* a bit for each bucket: 0 if it has no entries */
  struct fm_links *links; /* of each block */
  unsigned char *blocks;
  uint32_t block_count; /* block 0 is not used */
  uint64_t seed;        /* of the keys' hash */
} fm_store;

/* A key, with its bucket. */
typedef struct fm_store_key {
  const unsigned char *bytes;
  uint32_t length; /* 1 to FM_DICT_KEY_MAX */
  uint32_t bucket; /* 1 to block_count - 1 */
} fm_store_key;

/* A value as it is stored. */
typedef struct fm_store_value {
  const unsigned char *bytes;
  uint32_t length;
  uint8_t type;     /* the caller's */
  uint64_t expires; /* in milliseconds of fm_sys_ticks, less than 2^48; 0: never */
  uint64_t version; /* when it was read */
} fm_store_value;

/* The bytes that words, space, buckets' bits, links and blocks take. */
uint64_t fm_store_size(uint32_t block_count);

/* Uses a store in memory that was checked to have fm_store_size bytes, and is aligned to 8; to 128, so that
** no block lies in three cache lines. Memory of zeros is an empty store. */
void fm_store_open(fm_store *s, void *memory, uint32_t block_count, uint64_t seed);

/* Also asks the processor to load the key's bucket. */
fm_store_key fm_store_key_of(const fm_store *s, const void *bytes, size_t length);

/* How many blocks an entry takes, as a number that does not wrap. */
uint64_t fm_store_blocks(uint32_t key_length, uint64_t value_length);

/* {-- Readers ------------------------------------------------------------------------------------ */

/* Copies a key's value to `buffer`, at most `size` bytes: out->length is its whole length, and out->bytes
** the buffer. FM_NOT_FOUND; FM_FULL if the buffer is too small for it, with out->length set; FM_TIMEOUT if
** writers were faster, try again; FM_CORRUPT. A writer uses it too. */
int fm_store_read(const fm_store *s, const fm_store_key *key, unsigned char *buffer, size_t size,
                  fm_store_value *out, fm_error *e);

/* An entry in private memory. Its key follows it, then from the next multiple of 8 its value. */
typedef struct fm_store_record {
  uint64_t version, expires;
  uint32_t size; /* of the record with key and value, in bytes, a multiple of 8 */
  uint32_t value_length;
  uint8_t key_length, type;
} fm_store_record;

/* Copies all entries of one bucket, which is less than block_count, as records. *length: their bytes. FM_FULL
** if the buffer of `size` bytes is too small: then *length is what a larger one should have. FM_TIMEOUT if
** writers were faster; FM_CORRUPT. */
int fm_store_read_bucket(const fm_store *s, uint32_t bucket, unsigned char *buffer, size_t size,
                         size_t *length, fm_error *e);

/* The first bucket from `bucket` on that may have entries; block_count if there is none. */
uint32_t fm_store_next_bucket(const fm_store *s, uint32_t bucket);

/* {-- The writer --------------------------------------------------------------------------------- */

/* Carries out the journal of a dead writer, and frees at most `most` of the loose blocks, which must be
** greater than 0. To be called first after the lock was acquired. */
int fm_store_recover(fm_store *s, uint32_t most, fm_error *e);

/* Sets a key, new or not: *version is the new one. FM_FULL if too few blocks are free, and nothing is
** changed. The new entry takes blocks before the old one's are free. */
int fm_store_set(fm_store *s, const fm_store_key *key, const fm_store_value *value, uint64_t *version,
                 fm_error *e);

/* FM_NOT_FOUND. */
int fm_store_remove(fm_store *s, const fm_store_key *key, fm_error *e);

/* Removes the oldest entry but the one of `keep` (which may be NULL): FM_NOT_FOUND if there is no other. */
int fm_store_remove_oldest(fm_store *s, const fm_store_key *keep, fm_error *e);

/* Removes the entry that expired first: FM_NOT_FOUND if none has expired at `now`. */
int fm_store_remove_expired(fm_store *s, uint64_t now, fm_error *e);

/* Clears all entries, in one step. fm_store_remove_cleared removes one of them and frees its blocks:
** FM_NOT_FOUND if there is none. */
int fm_store_clear(fm_store *s, fm_error *e);
int fm_store_remove_cleared(fm_store *s, fm_error *e);

/* A number that each change increments. */
uint32_t fm_store_changes(const fm_store *s);

/* Blocks that are free or loose. Those of entries that are cleared or have expired are not. */
uint64_t fm_store_free_blocks(const fm_store *s);

/* Does an entry expire some time? */
bool fm_store_has_timers(const fm_store *s);

/* {-- Readers again ------------------------------------------------------------------------------ */

typedef struct fm_store_counts {
  uint32_t count, used; /* entries that are neither cleared nor expired, and their blocks */
} fm_store_counts;

/* The counts of one moment, at which the time is `now`. FM_TIMEOUT if writers were faster; FM_CORRUPT. */
int fm_store_count(const fm_store *s, uint64_t now, fm_store_counts *out, fm_error *e);

FM_END_HIDDEN

#endif
