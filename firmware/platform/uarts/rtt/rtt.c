/* Not a UART: two buffers in RAM that a debug probe reads and fills while the core runs. The layout is that of SEGGER's
 * Real Time Transfer (J-Link User Guide UM08001, 16), which J-Link, OpenOCD, probe-rs and pyOCD know. */
#include "eq_console.h"
#include "uart.h"

enum { BYTES = 512 };

struct ring {
    const char *name;
    uint8_t *data;
    uint32_t bytes;
    volatile uint32_t written; /* by the core up, by the probe down */
    volatile uint32_t read;
    uint32_t flags;
};

struct control {
    char id[16];
    int32_t ups;
    int32_t downs;
    struct ring up;
    struct ring down;
};

/* Not static, so that a debugger can be told where it is. */
extern struct control _SEGGER_RTT;
struct control _SEGGER_RTT;

static uint8_t up[BYTES];
static uint8_t down[BYTES];

static inline void in_order(void)
{
    __asm__ volatile("dmb" ::: "memory");
}

void eq_uart_start(uint32_t clock_hz)
{
    (void)clock_hz;
    struct control *const control = &_SEGGER_RTT;
    control->ups = 1;
    control->downs = 1;
    control->up = (struct ring){"edgeq", up, BYTES, 0, 0, 0};
    control->down = (struct ring){"edgeq", down, BYTES, 0, 0, 0};
    /* Probes look for this text in RAM. It must be nowhere else, nor there before all the rest is. */
    static const char backwards[] = "TTR REGGES";
    const uint32_t length = sizeof backwards - 1;
    in_order();
    for (uint32_t i = 0; i < length; i++) {
        *(volatile char *)&control->id[i] = backwards[length - 1 - i];
    }
    in_order();
}

static uint32_t after(uint32_t at)
{
    return at + 1 == BYTES ? 0 : at + 1;
}

int eq_uart_read_byte(void)
{
    struct ring *const ring = &_SEGGER_RTT.down;
    const uint32_t at = ring->read;
    if (at == ring->written) {
        return EQ_CONSOLE_NOTHING;
    }
    in_order();
    const int byte = down[at];
    in_order();
    ring->read = after(at);
    return byte;
}

int eq_uart_can_write(void)
{
    return after(_SEGGER_RTT.up.written) != _SEGGER_RTT.up.read;
}

int eq_uart_has_sent(void)
{
    return _SEGGER_RTT.up.written == _SEGGER_RTT.up.read;
}

void eq_uart_write_byte(uint8_t byte)
{
    struct ring *const ring = &_SEGGER_RTT.up;
    const uint32_t at = ring->written;
    up[at] = byte;
    in_order();
    ring->written = after(at);
}
