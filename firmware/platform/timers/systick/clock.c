/* Time: instructions in an emulator, cycles on a board.
 *
 * SysTick counts down from 2^24 - 1 again and again; its interrupt counts the rounds. On a board with a cycle counter
 * that one is used instead. */
#include "eq_platform.h"
#include "parts.h"
#include "registers.h"

#ifdef EQ_PROFILE

enum { ROUND = 1 << 24 };

/* Instructions of the handler below, each time. */
enum { HANDLER_INSTRUCTIONS = 5 };

volatile uint32_t eq_systick_rounds;

__attribute__((naked)) void eq_systick(void)
{
    __asm__ volatile(".syntax unified\n\t"
                     "ldr r0, =eq_systick_rounds\n\t"
                     "ldr r1, [r0]\n\t"
                     "adds r1, #1\n\t"
                     "str r1, [r0]\n\t"
                     "bx lr\n\t"
                     ".ltorg");
}

static void start_systick(void)
{
    if (!(SYST_CSR & SYST_CSR_ENABLE)) {
        SYST_RVR = ROUND - 1;
        SYST_CVR = 0;
        SYST_CSR = SYST_CSR_ENABLE | SYST_CSR_TICKINT | SYST_CSR_CORE_CLOCK;
        while (SYST_CVR == 0) {
        }
    }
}

#if defined(EQ_TICK_NS)

/* An emulator that gives every instruction one nanosecond has a SysTick that is slower: EQ_TICKS ticks take EQ_TICK_NS
 * instructions. Let T = EQ_TICK_NS and t the time in instructions; the count is floor(t * EQ_TICKS / T). Of T reads
 * that are 9 instructions apart, 9 and T having no common divisor, each sees another remainder of t modulo T, so that
 * the sum of what they see is t * EQ_TICKS plus a constant (Hermite's identity): exact to one instruction. */
uint64_t eq_platform_clock(void)
{
    start_systick();
    __asm__ volatile("cpsid i" ::: "memory");
    const uint32_t rounds = eq_systick_rounds;
    uint32_t sum = 0;
    uint32_t high = 0; /* reads in the upper half of the range */
    uint32_t left = EQ_TICK_NS;
    uint32_t value;
    uint32_t bit;
    __asm__ volatile(".syntax unified\n"
                     "1:\n\t"
                     "ldr %[value], [%[counter]]\n\t"
                     "adds %[sum], %[sum], %[value]\n\t"
                     "lsrs %[bit], %[value], #23\n\t"
                     "adds %[high], %[high], %[bit]\n\t"
                     "nop\n\t"
                     "nop\n\t"
                     "nop\n\t"
                     "subs %[left], %[left], #1\n\t"
                     "bne 1b"
                     : [sum] "+l"(sum), [high] "+l"(high), [left] "+l"(left), [value] "=&l"(value), [bit] "=&l"(bit)
                     : [counter] "l"(&SYST_CVR)
                     : "cc", "memory");
    /* A round that ended since interrupts were disabled is not in `rounds`: reads after its end are of the next one. */
    const uint32_t next_round = SCB_ICSR & SCB_ICSR_PENDSTSET ? high : 0;
    __asm__ volatile("cpsie i" ::: "memory");
    const uint64_t ticks = (((uint64_t)rounds + 1) * EQ_TICK_NS + next_round) * ROUND - sum;
    return (ticks - (uint64_t)rounds * (HANDLER_INSTRUCTIONS * EQ_TICKS)) / EQ_TICKS;
}

#else

static uint64_t systick_cycles(void)
{
    start_systick();
    for (;;) {
        const uint32_t rounds = eq_systick_rounds;
        const uint32_t value = SYST_CVR;
        if (rounds == eq_systick_rounds) {
            return (uint64_t)rounds * ROUND + (ROUND - 1 - value);
        }
    }
}

/* Cores without a cycle counter read its register as zero, always. */
static int start_cycle_counter(void)
{
    SCB_DEMCR |= SCB_DEMCR_TRCENA;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
    const uint32_t before = DWT_CYCCNT;
    __asm__ volatile("nop\n\tnop\n\tnop\n\tnop");
    return DWT_CYCCNT != before;
}

/* Exact as long as no two calls are 2^32 cycles apart. */
uint64_t eq_platform_clock(void)
{
    static int has_counter = -1;
    static uint32_t last;
    static uint64_t rounds;
    if (has_counter < 0) {
        has_counter = start_cycle_counter();
    }
    if (!has_counter) {
        return systick_cycles();
    }
    const uint32_t now = DWT_CYCCNT;
    rounds += now < last;
    last = now;
    return rounds << 32 | now;
}

#endif

#else

void eq_systick(void)
{
}

uint64_t eq_platform_clock(void)
{
    return 0;
}

#endif
