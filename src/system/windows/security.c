/* Security descriptors: from text, and copied from one object for another. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

#include <sddl.h>
#include <stdlib.h>

int fm_win32_read_sddl(void **out, const char *sddl, fm_error *e)
{
  wchar_t *wide = NULL;
  if (!sddl) return FM_OK;
  const int code = fm_win32_wide(&wide, sddl, e);
  if (code != FM_OK) return code;
  const BOOL done = ConvertStringSecurityDescriptorToSecurityDescriptorW(wide, SDDL_REVISION_1, out, NULL);
  const DWORD error = GetLastError();
  free(wide);
  if (done) return FM_OK;
  if (error == ERROR_NOT_ENOUGH_MEMORY) return fm_fail_native(e, (long)error);
  return fm_win32_fail_as(e, FM_INVALID, error, "the option sddl is not a valid security descriptor");
}

int fm_win32_copy_security(void **out, HANDLE object, fm_error *e)
{
  DWORD size = 0;
  GetKernelObjectSecurity(object, DACL_SECURITY_INFORMATION, NULL, 0, &size);
  if (GetLastError() != ERROR_INSUFFICIENT_BUFFER) return fm_win32_fail(e);
  void *copy = LocalAlloc(LMEM_FIXED, size);
  if (!copy) return fm_fail(e, FM_NO_MEMORY, NULL);
  if (!GetKernelObjectSecurity(object, DACL_SECURITY_INFORMATION, copy, size, &size)) {
    const DWORD error = GetLastError();
    LocalFree(copy);
    return fm_fail_native(e, (long)error);
  }
  *out = copy;
  return FM_OK;
}

/* {-- Rights to a section's events ---------------------------------------------------------------- */

enum { EVENT_QUERY_STATE = 1 }; /* of ntdll's headers */

/* A process that may read a section may wait for its events, and one that may write it may set them. The
** rights of sections and of events are different bits, but those that all objects have are the same. */
static DWORD event_rights(DWORD section_rights)
{
  GENERIC_MAPPING generic = {STANDARD_RIGHTS_READ | SECTION_QUERY | SECTION_MAP_READ,
                             STANDARD_RIGHTS_WRITE | SECTION_MAP_WRITE,
                             STANDARD_RIGHTS_EXECUTE | SECTION_MAP_EXECUTE, SECTION_ALL_ACCESS};
  MapGenericMask(&section_rights, &generic);
  return (section_rights & STANDARD_RIGHTS_ALL)
       | (section_rights & SECTION_QUERY ? EVENT_QUERY_STATE : 0u)
       | (section_rights & SECTION_MAP_READ ? SYNCHRONIZE : 0u)
       | (section_rights & SECTION_MAP_WRITE ? EVENT_MODIFY_STATE : 0u);
}

/* Translates the entries that allow and those that deny, whose fields are the same. Entries of other kinds
** stay. */
static void translate(void *security)
{
  BOOL is_present = FALSE, is_default;
  ACL *list = NULL;
  if (!GetSecurityDescriptorDacl(security, &is_present, &list, &is_default) || !is_present || !list) return;
  for (DWORD i = 0; i < list->AceCount; i++) {
    ACCESS_ALLOWED_ACE *entry;
    if (!GetAce(list, i, (void **)&entry)) return;
    const BYTE type = entry->Header.AceType;
    if (type != ACCESS_ALLOWED_ACE_TYPE && type != ACCESS_DENIED_ACE_TYPE) continue;
    entry->Mask = event_rights(entry->Mask);
  }
}

/* A section's handle has only the rights that mapping needs, so another one is opened to read the access
** list. */
static int copy_by_name(void **out, const fm_section *s, fm_error *e)
{
  wchar_t name[FM_NAME_SIZE];
  int code = fm_win32_name(name, s->name, e);
  if (code != FM_OK) return code;
  HANDLE section = OpenFileMappingW(READ_CONTROL, FALSE, name);
  if (!section) return fm_win32_fail(e);
  code = fm_win32_copy_security(out, section, e);
  CloseHandle(section);
  return code;
}

int fm_win32_event_security(void **out, const fm_section *s, fm_error *e)
{
  int code = fm_win32_copy_security(out, fm_win32_handle(s->handle), e);
  if (code == FM_DENIED) code = copy_by_name(out, s, e);
  if (code == FM_DENIED) return FM_OK;
  if (code == FM_OK) translate(*out);
  return code;
}

#endif
