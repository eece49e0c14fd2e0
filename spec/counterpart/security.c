/* Prints the access list of a named object in Windows' text form, or the error number:
**
**   security section NAME      of a section
**   security event NAME        of an event
**   security open RIGHTS NAME  "opened" if an event can be opened with these rights
**
** It does not use filemap. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <sddl.h>

static int print_error(void)
{
  printf("error %lu\n", GetLastError());
  return 0;
}

static int print_security(HANDLE object)
{
  static char descriptor[4096];
  const SECURITY_INFORMATION list = DACL_SECURITY_INFORMATION;
  DWORD size = 0;
  char *text = NULL;
  if (!object || !GetKernelObjectSecurity(object, list, descriptor, sizeof descriptor, &size))
    return print_error();
  if (!ConvertSecurityDescriptorToStringSecurityDescriptorA(descriptor, SDDL_REVISION_1, list, &text, NULL))
    return print_error();
  printf("%s\n", text);
  return 0;
}

int main(int argc, char *argv[])
{
  const char *name = argv[argc - 1];
  if (argc < 3) return 2;
  if (strcmp(argv[1], "section") == 0) return print_security(OpenFileMappingA(READ_CONTROL, FALSE, name));
  if (strcmp(argv[1], "event") == 0) return print_security(OpenEventA(READ_CONTROL, FALSE, name));
  if (!OpenEventA((DWORD)strtoul(argv[2], NULL, 0), FALSE, name)) return print_error();
  printf("opened\n");
  return 0;
}
