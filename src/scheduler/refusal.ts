/** Why something is not launched on an offer. */
export interface Refusal {
  reason: string;
  /** No later offer of this agent will do either. */
  final: boolean;
}
