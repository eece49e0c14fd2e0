/* What the fuzzers share. Each is a function of bytes that an enemy chose, as libFuzzer calls it:
**
** - From the front of the bytes come the calls that are made, and what they are given.
** - From their back comes what the enemy does to the shared memory meanwhile: at each FM_TEST_HOOK in the middle of a call,
**   and between two calls. He writes what he likes where he likes, dies, comes alive, and cuts the memory off.
**
** What must hold: no access outside what is shared (the sanitizers see that), an end of each call, the codes of the
** contract alone, outputs that are as they were after a failure, and nothing left behind. */
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
uint32_t fz_word(void); /* 0, small ones, powers of 2 and their neighbours more often than others */
uint32_t fz_below(uint32_t end); /* 0 if that is 0 */

/* So many bytes that a call is given, in memory of that size: freed by the next call of this function. */
const void *fz_data(size_t length);

/* The same for what a call fills: an access past its end is seen. */
void *fz_room(size_t length);

/* {-- The enemy --------------------------------------------------------------------------------- */

/* The memory that he can write to; NULL: none. */
void fz_share(void *memory, size_t size);

/* What he does now, if anything. */
void fz_enemy(void);

/* What more he can do; seam.c has it do something. */
extern void (*fz_more)(uint8_t what);

/* Begins a call: so many steps later it must have come to its end. */
void fz_call(void);

/* {-- What must hold ---------------------------------------------------------------------------- */

#define CHECK(holds) ((holds) ? (void)0 : fz_fail(#holds, __FILE__, __LINE__))
void fz_fail(const char *what, const char *file, int line);

/* A set of codes. */
#define CODE(code) (1u << (code))

/* Is a call's result one of those? Of a failure the error must say the same. */
#define EXPECT(code, e, allowed) fz_expect(code, e, allowed, __FILE__, __LINE__)
int fz_expect(int code, const fm_error *e, unsigned allowed, const char *file, int line);

/* An error as it is before a call. */
#define NO_ERROR {FM_OK, -1, {0}}

#endif
