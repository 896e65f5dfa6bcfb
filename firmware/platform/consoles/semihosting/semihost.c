/* Arm semihosting: calls to the debugger or emulator that the core runs under
 * (Semihosting for AArch32 and AArch64, Arm's ABI documents). */
#include "eq_console.h"
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
enum { INPUT_BYTES = 256 };

/* The console in both directions, as the file ":tt" is opened for reading and for writing. */
static int from_console, to_console;

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

void eq_console_init(void)
{
    static int done;
    if (!done) {
        done = 1;
        from_console = eq_platform_open(":tt", 0);
        to_console = eq_platform_open(":tt", 1);
    }
}

/* One call, which halts the core, for all that has come. Some hosts wait for input, others say that there is none,
 * which is no end: there may be more later. */
int eq_console_read_byte(void)
{
    static uint8_t input[INPUT_BYTES];
    static size_t next, end;
    if (next == end) {
        next = 0;
        end = eq_platform_read(from_console, input, sizeof input);
    }
    return next == end ? EQ_CONSOLE_NOTHING : input[next++];
}

void eq_console_write(const uint8_t *data, size_t bytes)
{
    (void)eq_platform_write(to_console, data, bytes);
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
