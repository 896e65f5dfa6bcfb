/* Arm semihosting: calls to the debugger or emulator that the core runs under
 * (Semihosting for AArch32 and AArch64, Arm's ABI documents). */
#include "eq_platform.h"
#include "parts.h"

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_GET_CMDLINE = 0x15,
    SYS_EXIT_EXTENDED = 0x20
};
enum { MODE_READ_BINARY = 1, MODE_WRITE_BINARY = 5 };
enum { APPLICATION_EXIT = 0x20026 };

static intptr_t call(int operation, const void *arguments)
{
    register intptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static size_t length(const char *text)
{
    size_t n = 0;
    while (text[n]) {
        n++;
    }
    return n;
}

int eq_platform_open(const char *path, int writing)
{
    const uintptr_t arguments[3] = {(uintptr_t)path, writing ? MODE_WRITE_BINARY : MODE_READ_BINARY, length(path)};
    const intptr_t file = call(SYS_OPEN, arguments);
    return file < 0 ? EQ_NO_FILE : (int)file;
}

size_t eq_platform_read(int file, void *data, size_t bytes)
{
    const uintptr_t arguments[3] = {(uintptr_t)file, (uintptr_t)data, bytes};
    const size_t not_done = (size_t)call(SYS_READ, arguments);
    return not_done > bytes ? 0 : bytes - not_done;
}

size_t eq_platform_write(int file, const void *data, size_t bytes)
{
    const uintptr_t arguments[3] = {(uintptr_t)file, (uintptr_t)data, bytes};
    const size_t not_done = bytes ? (size_t)call(SYS_WRITE, arguments) : 0;
    return not_done > bytes ? 0 : bytes - not_done;
}

void eq_platform_close(int file)
{
    const uintptr_t arguments[1] = {(uintptr_t)file};
    (void)call(SYS_CLOSE, arguments);
}

void eq_platform_message(const char *text)
{
    (void)call(SYS_WRITE0, text);
}

int eq_console_arguments(char *text, size_t bytes, const char **argv, int max)
{
    uintptr_t arguments[2] = {(uintptr_t)text, bytes};
    if (call(SYS_GET_CMDLINE, arguments)) {
        return 0;
    }
    int count = 0;
    for (int inside = 0; *text; text++) {
        if (*text == ' ') {
            *text = 0;
            inside = 0;
        } else if (!inside && count < max) {
            argv[count++] = text;
            inside = 1;
        }
    }
    return count;
}

void eq_console_exit(int code)
{
    const uintptr_t arguments[2] = {APPLICATION_EXIT, (uintptr_t)code};
    for (;;) {
        (void)call(SYS_EXIT_EXTENDED, arguments);
    }
}
