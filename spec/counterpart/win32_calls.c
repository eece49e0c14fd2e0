/* Makes the Win32 calls that it reads from standard input, and prints their results, with which
** filemap.win32 is compared. It does not use filemap. A line has a variable for the result (or `-`), the
** call and its arguments, separated by tabs:
**
**   map<TAB>OpenFileMapping<TAB>FILE_MAP_READ | FILE_MAP_WRITE<TAB>FALSE<TAB>"Local\Name
**
** An argument is one or more numbers, constants of <windows.h> and variables, separated by `|`, or text
** after a `"`. The answer is the result (`handle`, `view`, `NULL`, `INVALID_HANDLE_VALUE`, `TRUE`,
** `FALSE`, or a number), a tab, and the last error. `-<TAB>value<TAB>NAME` prints a constant's value. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

/* Constants of newer versions of Windows that some headers lack. */
#ifndef FILE_MAP_LARGE_PAGES
#define FILE_MAP_LARGE_PAGES 0x20000000
#endif
#ifndef FILE_MAP_TARGETS_INVALID
#define FILE_MAP_TARGETS_INVALID 0x40000000
#endif

static const struct { const char *name; intptr_t value; } constants[] = {
#define C(name) {#name, (intptr_t)(name)},
  C(NULL) C(TRUE) C(FALSE) C(INVALID_HANDLE_VALUE)
  C(PAGE_NOACCESS) C(PAGE_READONLY) C(PAGE_READWRITE) C(PAGE_WRITECOPY) C(PAGE_EXECUTE) C(PAGE_EXECUTE_READ)
  C(PAGE_EXECUTE_READWRITE) C(PAGE_EXECUTE_WRITECOPY) C(PAGE_GUARD) C(PAGE_NOCACHE) C(PAGE_WRITECOMBINE)
  C(SEC_FILE) C(SEC_IMAGE) C(SEC_PROTECTED_IMAGE) C(SEC_RESERVE) C(SEC_COMMIT) C(SEC_NOCACHE)
  C(SEC_WRITECOMBINE) C(SEC_LARGE_PAGES) C(SEC_IMAGE_NO_EXECUTE)
  C(FILE_MAP_COPY) C(FILE_MAP_WRITE) C(FILE_MAP_READ) C(FILE_MAP_ALL_ACCESS) C(FILE_MAP_EXECUTE)
  C(FILE_MAP_LARGE_PAGES) C(FILE_MAP_TARGETS_INVALID) C(FILE_MAP_RESERVE)
  C(SECTION_QUERY) C(SECTION_MAP_WRITE) C(SECTION_MAP_READ) C(SECTION_MAP_EXECUTE) C(SECTION_EXTEND_SIZE)
  C(SECTION_MAP_EXECUTE_EXPLICIT) C(SECTION_ALL_ACCESS)
  C(GENERIC_READ) C(GENERIC_WRITE) C(GENERIC_EXECUTE) C(GENERIC_ALL)
  C(FILE_SHARE_READ) C(FILE_SHARE_WRITE) C(FILE_SHARE_DELETE)
  C(CREATE_NEW) C(CREATE_ALWAYS) C(OPEN_EXISTING) C(OPEN_ALWAYS) C(TRUNCATE_EXISTING)
  C(FILE_ATTRIBUTE_READONLY) C(FILE_ATTRIBUTE_HIDDEN) C(FILE_ATTRIBUTE_SYSTEM) C(FILE_ATTRIBUTE_ARCHIVE)
  C(FILE_ATTRIBUTE_NORMAL) C(FILE_ATTRIBUTE_TEMPORARY) C(FILE_FLAG_WRITE_THROUGH) C(FILE_FLAG_OVERLAPPED)
  C(FILE_FLAG_NO_BUFFERING) C(FILE_FLAG_RANDOM_ACCESS) C(FILE_FLAG_SEQUENTIAL_SCAN)
  C(FILE_FLAG_DELETE_ON_CLOSE) C(ERROR_SUCCESS) C(ERROR_FILE_NOT_FOUND) C(ERROR_PATH_NOT_FOUND)
  C(ERROR_ACCESS_DENIED) C(ERROR_INVALID_HANDLE) C(ERROR_NOT_ENOUGH_MEMORY) C(ERROR_GEN_FAILURE)
  C(ERROR_SHARING_VIOLATION) C(ERROR_FILE_EXISTS)
  C(ERROR_INVALID_PARAMETER) C(ERROR_DISK_FULL) C(ERROR_CALL_NOT_IMPLEMENTED) C(ERROR_INVALID_NAME)
  C(ERROR_ALREADY_EXISTS) C(ERROR_BAD_EXE_FORMAT) C(ERROR_FILENAME_EXCED_RANGE) C(ERROR_INVALID_ADDRESS)
  C(ERROR_FILE_INVALID) C(ERROR_NO_UNICODE_TRANSLATION) C(ERROR_MAPPED_ALIGNMENT) C(ERROR_PRIVILEGE_NOT_HELD)
  C(ERROR_FILE_CORRUPT) C(ERROR_COMMITMENT_LIMIT) C(ERROR_USER_MAPPED_FILE)
#undef C
};

enum { WORDS = 12, VARIABLES = 64, SENTINEL = 0x1d0000 };

static struct { char name[32]; intptr_t value; } variables[VARIABLES];

static intptr_t *variable(const char *name)
{
  int i = 0;
  while (variables[i].name[0] && strcmp(variables[i].name, name) != 0) i++;
  snprintf(variables[i].name, sizeof variables[i].name, "%s", name);
  return &variables[i].value;
}

static intptr_t term(const char *word)
{
  if (*word >= '0' && *word <= '9') return (intptr_t)strtoull(word, NULL, 0);
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
    if (strcmp(constants[i].name, word) == 0) return constants[i].value;
  return *variable(word);
}

static intptr_t value(char *expression)
{
  intptr_t sum = 0;
  for (char *next, *word = expression; word; word = next) {
    next = strstr(word, " | ");
    if (next) *next = 0, next += 3;
    sum |= term(word);
  }
  return sum;
}

static const wchar_t *text(const char *word)
{
  static wchar_t wide[4096];
  if (*word != '"') return NULL;
  MultiByteToWideChar(CP_UTF8, 0, word + 1, -1, wide, 4096);
  return wide;
}

typedef enum kind { HANDLE_OR_NULL, FILE_HANDLE, VIEW, TRUTH, NUMBER } kind;

static kind call(const char *name, char *w[], intptr_t *out)
{
  intptr_t v[7];
  for (int i = 0; i < 7; i++) v[i] = w[i] && *w[i] != '"' ? value(w[i]) : 0;
  SetLastError(SENTINEL);
  if (strcmp(name, "value") == 0) {
    *out = v[0];
    return NUMBER;
  } else if (strcmp(name, "CreateFileMapping") == 0) {
    *out = (intptr_t)CreateFileMappingW((HANDLE)v[0], NULL, (DWORD)v[2], (DWORD)v[3], (DWORD)v[4],
                                        text(w[5]));
    return HANDLE_OR_NULL;
  } else if (strcmp(name, "OpenFileMapping") == 0) {
    *out = (intptr_t)OpenFileMappingW((DWORD)v[0], (BOOL)v[1], text(w[2]));
    return HANDLE_OR_NULL;
  } else if (strcmp(name, "MapViewOfFile") == 0) {
    *out = (intptr_t)MapViewOfFile((HANDLE)v[0], (DWORD)v[1], (DWORD)v[2], (DWORD)v[3], (SIZE_T)v[4]);
    return VIEW;
  } else if (strcmp(name, "CreateFile") == 0) {
    *out = (intptr_t)CreateFileW(text(w[0]), (DWORD)v[1], (DWORD)v[2], NULL, (DWORD)v[4], (DWORD)v[5],
                                 (HANDLE)v[6]);
    return FILE_HANDLE;
  } else if (strcmp(name, "UnmapViewOfFile") == 0) {
    *out = UnmapViewOfFile((void *)v[0]);
  } else if (strcmp(name, "FlushViewOfFile") == 0) {
    *out = FlushViewOfFile((void *)v[0], (SIZE_T)v[1]);
  } else if (strcmp(name, "CloseHandle") == 0) {
    *out = CloseHandle((HANDLE)v[0]);
  } else {
    printf("no call %s\n", name);
    exit(1);
  }
  return TRUTH;
}

static void say(kind k, intptr_t x)
{
  const DWORD error = GetLastError();
  if (k == NUMBER) printf("%lld", (long long)x);
  else if (k == TRUTH) printf(x ? "TRUE" : "FALSE");
  else if (k == FILE_HANDLE) printf((HANDLE)x == INVALID_HANDLE_VALUE ? "INVALID_HANDLE_VALUE" : "handle");
  else printf(!x ? "NULL" : k == VIEW ? "view" : "handle");
  if (error == SENTINEL) printf("\tunchanged\n");
  else printf("\t%lu\n", error);
  fflush(stdout);
}

int main(void)
{
  static char line[8192];
  printf("READY\n");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    char *words[WORDS] = {NULL};
    intptr_t out = 0;
    line[strcspn(line, "\r\n")] = 0;
    int n = 0;
    for (char *w = strtok(line, "\t"); w && n < WORDS - 1; w = strtok(NULL, "\t")) words[n++] = w;
    const kind k = call(words[1], words + 2, &out);
    say(k, out);
    if (strcmp(words[0], "-") != 0) *variable(words[0]) = out;
  }
  return 0;
}
