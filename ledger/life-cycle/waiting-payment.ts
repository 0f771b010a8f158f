import { present } from "../../primitives/assert.ts";
import { type Execution, type Failure, failure } from "../execution.ts";
import {
  type CorporateActionKey,
  corporateActionId,
  corporateActionTable,
  lifeCycleTypes,
  typeLetters,
  waitingPaymentId,
  waitingPaymentTable,
} from "../state/corporate-action.ts";
import { pay, withPaid } from "./payment.ts";

/** Tries a payment that waits by itself once more; the id is that of the retry queue. */
export function retryPayment(execution: Execution, id: string): Failure | undefined {
  const [, isin = "", letter = "", recordDate = "", account = ""] = id.split(":");
  const type = lifeCycleTypes.find((candidate) => typeLetters[candidate] === letter);
  return payWaiting(execution, { isin, type: present(type, "type of event"), recordDate }, account);
}

/**
 * Makes a payment that waits. One that has been made in the meantime needs nothing more: undefined.
 * Fails as `pay` does.
 */
export function payWaiting(
  execution: Execution,
  key: CorporateActionKey,
  account: string,
): Failure | undefined {
  const { state } = execution;
  const payment = state.of(waitingPaymentTable).get(waitingPaymentId(key, account));
  if (payment === undefined) return undefined;
  const id = corporateActionId(key);
  const action = present(state.of(corporateActionTable).get(id), `corporate action ${id}`);
  const outcome = pay(execution, action, payment);
  if (!("tax" in outcome)) return outcome;
  const { gross } = payment;
  const waiting = action.waiting - gross;
  state.of(corporateActionTable).put({ ...withPaid(action, gross, outcome.tax), waiting });
  state.of(waitingPaymentTable).remove(waitingPaymentId(key, account));
  return undefined;
}

/** `payWaiting` for those who ask for it: PAYMENT_UNKNOWN where nothing waits. */
export function payOnRequest(
  execution: Execution,
  key: CorporateActionKey,
  account: string,
): Failure | undefined {
  const id = waitingPaymentId(key, account);
  if (execution.state.of(waitingPaymentTable).get(id) === undefined) {
    return failure("PAYMENT_UNKNOWN", "account");
  }
  return payWaiting(execution, key, account);
}
