/* From reset to eq_main, and from a fault to a message: bare metal, without vendor code or C library. */
#include "eq_platform.h"
#include "parts.h"
#include "registers.h"

#include <string.h>

enum { EXIT_FAULT = 100, MAX_ARGUMENTS = 8 };

/* Addresses that the linker script gives. */
extern uint32_t eq_stack_guard[], eq_stack_limit[], eq_stack_top[], eq_data_start[], eq_data_end[], eq_data_load[],
    eq_bss_start[], eq_bss_end[];
extern uint8_t eq_free_start[], eq_free_end[];

/* What the linker script has copied to other memory, such as code to where the core fetches it without waiting. */
struct copy {
    uint8_t *to;
    const uint8_t *from;
    uint32_t bytes;
};
extern const struct copy eq_copies_start[], eq_copies_end[];

void eq_reset(void) __attribute__((noreturn));
void eq_fault(void);
void eq_report_fault(const uint32_t *frame, uint32_t exc_return) __attribute__((noreturn, used));

typedef void (*vector)(void);

/* The stack pointer, then the handlers of exceptions 1 to 15. */
struct vectors {
    const uint32_t *stack;
    vector handlers[15];
};

extern const struct vectors eq_vectors;
__attribute__((section(".vectors"), used)) const struct vectors eq_vectors = {
    eq_stack_top,
    {eq_reset, eq_fault, eq_fault, eq_fault, eq_fault, eq_fault, eq_fault, 0, 0, 0, eq_fault, eq_fault, 0, eq_fault,
     eq_systick},
};

/* A boot loader may have left interrupts on, for which there are no handlers here, and a vector table of its own. */
static void take_over(void)
{
#if __ARM_ARCH == 6
    enum { BANKS = 1 };
#else
    enum { BANKS = 8 };
#endif
    for (uint32_t bank = 0; bank < BANKS; bank++) {
        NVIC_ICER(bank) = UINT32_MAX;
    }
    SCB_VTOR = (uint32_t)(uintptr_t)&eq_vectors;
    __asm__ volatile("dsb\n\tisb\n\tcpsie i" ::: "memory");
}

static void enable_core_features(void)
{
#if !defined(__ARM_FEATURE_UNALIGNED)
    SCB_CCR |= SCB_CCR_UNALIGN_TRP;
#endif
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    SCB_CPACR |= SCB_CPACR_FPU;
#endif
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

/* A stack that overflows must fault, even where the memory below it can be written to. */
static void guard_stack(void)
{
#if __ARM_ARCH >= 8
    __asm__ volatile("msr msplim, %0" : : "r"(eq_stack_limit));
#else
    if (MPU_TYPE & MPU_TYPE_REGIONS) {
        MPU_RBAR = (uint32_t)(uintptr_t)eq_stack_guard | MPU_RBAR_REGION_0;
        MPU_RASR = MPU_RASR_NO_ACCESS_1_KB;
        MPU_CTRL = MPU_CTRL_DEFAULT_MAP | MPU_CTRL_ENABLE;
        __asm__ volatile("dsb\n\tisb" ::: "memory");
    }
#endif
}

/* Marked, so that the compiler cannot put code that needs the FPU or initialized data before what makes them work. */
__attribute__((noinline, noreturn)) static void start(void)
{
    static char text[512];
    static const char *argv[MAX_ARGUMENTS];
    const int argc = eq_console_arguments(text, sizeof text, argv, MAX_ARGUMENTS);
    eq_console_exit(eq_main(argc, argv));
}

/* A family's part has its own. */
__attribute__((weak)) void eq_family_start(void)
{
}

#ifdef EQ_CLOCK_HZ
__attribute__((weak)) uint32_t eq_family_uart(void)
{
    return EQ_CLOCK_HZ;
}
#endif

/* Code may have been written through the data cache, behind which instructions are fetched. */
static void copy_all(void)
{
    for (const struct copy *copy = eq_copies_start; copy != eq_copies_end; copy++) {
        memcpy(copy->to, copy->from, copy->bytes);
#if __ARM_ARCH >= 7
        if (SCB_CCR & SCB_CCR_DC) {
            for (uint32_t done = 0; done < copy->bytes; done += 32) { /* a line of the cache */
                SCB_DCCMVAU = (uint32_t)(uintptr_t)copy->to + done;
            }
            __asm__ volatile("dsb" ::: "memory");
            SCB_ICIALLU = 0;
        }
#endif
    }
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

void eq_reset(void)
{
    guard_stack();
    take_over();
    enable_core_features();
    eq_family_start();
    copy_all();
    memcpy(eq_data_start, eq_data_load, (size_t)((uintptr_t)eq_data_end - (uintptr_t)eq_data_start));
    memset(eq_bss_start, 0, (size_t)((uintptr_t)eq_bss_end - (uintptr_t)eq_bss_start));
    start();
}

void *eq_platform_memory(size_t *bytes)
{
    *bytes = (size_t)((uintptr_t)eq_free_end - (uintptr_t)eq_free_start);
    return eq_free_start;
}

void eq_platform_reset(void)
{
    __asm__ volatile("dsb" ::: "memory");
    SCB_AIRCR = SCB_AIRCR_RESET;
    __asm__ volatile("dsb" ::: "memory");
    for (;;) { /* it takes a few cycles */
    }
}

#if __ARM_ARCH >= 8
#define EQ_DROP_STACK_LIMIT "movs r2, #0\n\tmsr msplim, r2\n\t"
#else
#define EQ_DROP_STACK_LIMIT
#endif

/* Floating-point registers that are yet to be saved, on the stack that failed, never are. */
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
#define EQ_DROP_LAZY_STATE "ldr r2, =" EQ_TEXT(FPU_FPCCR) "\n\tldr r3, [r2]\n\tbic r3, r3, #1\n\tstr r3, [r2]\n\t"
#else
#define EQ_DROP_LAZY_STATE
#endif
#define EQ_TEXT(x) EQ_TEXT_OF(x)
#define EQ_TEXT_OF(x) #x

/* The frame that the core pushed may be on a stack that has no room left; the report has its own. */
__attribute__((naked)) void eq_fault(void)
{
    __asm__ volatile(".syntax unified\n\t"
                     "mov r0, sp\n\t"
                     "mov r1, lr\n\t" EQ_DROP_STACK_LIMIT EQ_DROP_LAZY_STATE "ldr r2, =eq_free_end\n\t"
                     "mov sp, r2\n\t"
                     "ldr r2, =eq_report_fault\n\t"
                     "bx r2\n\t"
                     ".ltorg");
}

static void show(const char *name, uint32_t value)
{
    char text[] = "=0x00000000";
    for (int digit = 0; digit < 8; digit++) {
        text[3 + digit] = "0123456789abcdef"[value >> (28 - 4 * digit) & 15];
    }
    eq_platform_message(" ");
    eq_platform_message(name);
    eq_platform_message(text);
}

static const char *cause(uint32_t cfsr, int exception)
{
    static const struct {
        uint32_t bit;
        const char *what;
    } causes[] = {
        {1u << 20, "stack overflow"},         {1u << 24, "unaligned access"}, {1u << 25, "division by zero"},
        {1u << 16, "undefined instruction"},  {1u << 17, "invalid state"},    {1u << 19, "coprocessor not available"},
        {1u << 12, "stack overflow"},         {1u << 4, "stack overflow"},    {1u << 0, "execution of data"},
        {1u << 8, "bad instruction address"}, {1u << 1, "bad data address"},  {1u << 9, "bad data address"},
        {1u << 10, "bad data address"},
    };
    const uint32_t guard = (uint32_t)(uintptr_t)eq_stack_guard;
    const uint32_t limit = (uint32_t)(uintptr_t)eq_stack_limit;
    if (cfsr & 1u << 7 && SCB_MMFAR >= guard && SCB_MMFAR < limit) {
        return "stack overflow";
    }
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        if (cfsr & causes[i].bit) {
            return causes[i].what;
        }
    }
    return exception == 3 ? "hard fault" : "unexpected exception";
}

void eq_report_fault(const uint32_t *frame, uint32_t exc_return)
{
    static const char *const names[] = {"r0", "r1", "r2", "r3", "r12", "lr", "pc", "psr"};
    const uint32_t cfsr = SCB_CFSR;
    const int exception = (int)(SCB_ICSR & 0x1FF);
    eq_platform_message("edgeq: fault: ");
    eq_platform_message(cause(cfsr, exception));
    eq_platform_message(":");
    show("exception", (uint32_t)exception);
    show("cfsr", cfsr);
    show("hfsr", SCB_HFSR);
    show("mmfar", SCB_MMFAR);
    show("bfar", SCB_BFAR);
    show("sp", (uint32_t)(uintptr_t)frame);
    show("exc_return", exc_return);
    /* Where there was no room for the frame there is nothing to read. */
    const int on_stack = (uintptr_t)frame >= (uintptr_t)eq_stack_limit && (uintptr_t)frame < (uintptr_t)eq_stack_top;
    const int has_frame = on_stack && !(cfsr & 1u << 20);
    for (int i = 0; i < 8 && has_frame; i++) {
        show(names[i], frame[i]);
    }
    eq_platform_message("\n");
    eq_console_exit(EXIT_FAULT);
}
