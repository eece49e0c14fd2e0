/* Keeps the functions of the library out of the module's exported names, also in a build without
** -fvisibility=hidden, as LuaRocks makes it. Each header of src/ has its declarations between these two. */
#ifndef FILEMAP_HIDDEN_H
#define FILEMAP_HIDDEN_H

#if defined(__GNUC__) && defined(__ELF__)
#define FM_BEGIN_HIDDEN _Pragma("GCC visibility push(hidden)")
#define FM_END_HIDDEN _Pragma("GCC visibility pop")
#else
#define FM_BEGIN_HIDDEN
#define FM_END_HIDDEN
#endif

#endif
