/* Shared by the fuzzers. Each fuzzer is a function of bytes that libFuzzer chooses:
**
** - The calls and their arguments are read from the front of the bytes.
** - The actions of a hostile process are read from their back. It acts at each FM_TEST_HOOK inside a call,
** and
**   between two calls. It writes any word anywhere in the shared memory, acquires and releases seats, and
**   truncates the memory.
**
** The fuzzers check: no access outside the shared memory (the sanitizers check it), each call returns, each
** code is one that the contract allows, a failed call leaves its outputs unchanged, and nothing is left
** behind. */
#ifndef FILEMAP_FUZZ_H
#define FILEMAP_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "../../src/object/wait.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* {-- The bytes --------------------------------------------------------------------------------- */

void fz_begin(const uint8_t *data, size_t size);
bool fz_has_more(void);
uint8_t fz_byte(void); /* 0 at the end */
uint32_t fz_word(void); /* small words and powers of 2, plus or minus 1, more often than others */
uint32_t fz_below(uint32_t end); /* less than `end`; 0 if `end` is 0 */

/* `length` bytes of input for a call, in a buffer of that exact size. The next fz_data frees it. */
const void *fz_data(size_t length);

/* The same for output that a call fills. The sanitizers detect an access past its end. */
void *fz_room(size_t length);

/* {-- The hostile process ------------------------------------------------------------------------ */

/* Sets the memory that the hostile process can write to; NULL: none. Where the memory comes and goes,
** fz_memory returns it instead. */
void fz_share(void *memory, size_t size);
extern void *(*fz_memory)(size_t *size);

/* Performs the next action of the hostile process, if there is one. */
void fz_interfere(void);

/* Its actions other than writing a word, which seam.c defines. */
extern void (*fz_more)(uint8_t what);

/* Begins a call, which must return within 1,000,000 steps. */
void fz_call(void);

/* {-- Checks ------------------------------------------------------------------------------------ */

#define CHECK(holds) ((holds) ? (void)0 : fz_fail(#holds, __FILE__, __LINE__))
void fz_fail(const char *what, const char *file, int line);

/* A set of codes. */
#define CODE(code) (1u << (code))

/* Checks that a call's result is one of the allowed codes, and that a failure's error has the same code. */
#define EXPECT(code, e, allowed) fz_expect(code, e, allowed, __FILE__, __LINE__)
int fz_expect(int code, const fm_error *e, unsigned allowed, const char *file, int line);

/* The value of an error before a call. */
#define NO_ERROR {FM_OK, -1, {0}}

#endif
