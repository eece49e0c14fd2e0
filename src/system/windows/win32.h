/* Declarations that the files of this folder share. Rules in quotation marks are from learn.microsoft.com,
** from the page of the call in question. */
#ifndef FILEMAP_WIN32_H
#define FILEMAP_WIN32_H

#include "../system.h"

#if FM_SYSTEM_WINDOWS

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

FM_BEGIN_HIDDEN

/* {-- Errors (error.c) --------------------------------------------------------------------------- */

/* Fails by GetLastError. */
int fm_win32_fail(fm_error *e);

/* Fails with a code of the caller's choice, where the number has a meaning that the table of codes does not
** have. */
int fm_win32_fail_as(fm_error *e, fm_code code, DWORD native, const char *sentence);

int fm_win32_fail_small(fm_error *e, uint64_t has, uint64_t wanted);

/* {-- Text (text.c) ------------------------------------------------------------------------------ */

/* Convert UTF-8 to UTF-16. The caller frees *out of the second and the third. The third makes a path
** absolute; the path may be longer than MAX_PATH. */
int fm_win32_name(wchar_t out[FM_NAME_SIZE], const char *name, fm_error *e);
int fm_win32_wide(wchar_t **out, const char *text, fm_error *e);
int fm_win32_path(wchar_t **out, const char *path, fm_error *e);

/* Returns a function of ntdll, for which not every compiler has an import library. Every process has it
** loaded. */
FARPROC fm_win32_ntdll(const char *name);

/* {-- Time (process.c) --------------------------------------------------------------------------- */

/* Waits until the time has passed, or until `other` is signalled, which may be NULL. The timer does not
** depend on the system's ticks. Windows has it from 10, version 1803, on. Without it the call returns
** false. */
bool fm_win32_wait_precisely(double seconds, HANDLE other);

/* {-- Sections (section.c) ----------------------------------------------------------------------- */

static inline HANDLE fm_win32_handle(intptr_t handle)
{
  return (HANDLE)handle;
}

/* What fm_win32_make_section is called with. */
typedef struct fm_section_spec {
  HANDLE file;      /* INVALID_HANDLE_VALUE for a section without a file */
  DWORD protect;    /* PAGE_... and SEC_... */
  uint64_t size;    /* in bytes; 0 stands for the file's size */
  const char *name; /* NULL or "" if unnamed */
  void *security;   /* a security descriptor, or NULL */
  bool inherit;
  bool shared;      /* open the section that has this name, if there is one */
} fm_section_spec;

int fm_win32_make_section(HANDLE *out, const fm_section_spec *s, fm_error *e);

/* Finds a section's size in bytes, and whether some of its pages may not be committed. */
int fm_win32_measure(uint64_t *size, bool *reserved, HANDLE section, fm_error *e);

/* Returns the protection of a section whose views may have any access that a map with these rights allows. */
DWORD fm_win32_protection(bool write, bool execute);

/* Fails with FM_EXISTS if a section has this name. NULL and "" are free. Callers check this before they
** change a file: a file must grow before its section is made, and it cannot shrink again while another
** section maps it. */
int fm_win32_check_free(const char *name, fm_error *e);

/* {-- Security descriptors (security.c) ---------------------------------------------------------- */

/* Each stores a security descriptor in *out, which the caller frees with LocalFree.
**
** fm_win32_read_sddl       Reads it from text. NULL leaves *out as it is.
** fm_win32_copy_security   Copies the access list of an object. The handle must have the right READ_CONTROL.
** fm_win32_event_security  Makes one for an event of a section, so that the same users may use both. If this
**                          process may not read the section's, *out stays as it is. */
int fm_win32_read_sddl(void **out, const char *sddl, fm_error *e);
int fm_win32_copy_security(void **out, HANDLE object, fm_error *e);
int fm_win32_event_security(void **out, const fm_section *s, fm_error *e);

/* {-- Events of a section (section_event.c) ------------------------------------------------------ */

typedef struct fm_section_event {
  const wchar_t *kind;
  uint32_t number; /* tells the events of one kind apart */
  DWORD rights;    /* of the handle */
} fm_section_event;

/* Creates an event, or opens it if it exists; then *existed is true. The call fails with FM_DENIED if this
** process may not open an event that exists. */
int fm_win32_create_event(HANDLE *out, bool *existed, const fm_section *s, const fm_section_event *event,
                          fm_error *e);
bool fm_win32_event_exists(const fm_section *s, const fm_section_event *event);

FM_END_HIDDEN

#endif
#endif
